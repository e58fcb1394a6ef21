#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"

namespace haumea {

// What a Value holds. The order is part of no interface.
enum class Type : uint8_t {
    kMissing,  // the column is not in the message; behaves as null in expressions, omitted in output
    kNull,     // JSON null, or "no result"
    kBool,
    kInt,       // SQL bigint, int64
    kDouble,    // SQL float
    kDatetime,  // an instant with the zone it is shown in
    kString,    // UTF-8
    kBytes,     // SQL bytea
    kArray,
    kObject,
    kError,  // an expression failed; the text says how
};

struct Field;

// One dynamic value: 16 bytes, trivially copyable, owns nothing. Texts, arrays and objects point into an
// Arena, a message buffer or static memory that must outlive the value (for rows: the batch; what is kept
// longer is copied with CopyValue). Immutable after construction.
class Value {
  public:
    constexpr Value() noexcept : int_(0), len_(0), type_(Type::kMissing) {}

    static constexpr Value Missing() noexcept { return Value(); }
    static constexpr Value Null() noexcept { return Value(Type::kNull, 0); }
    static constexpr Value Bool(bool b) noexcept { return Value(Type::kBool, b ? 1 : 0); }
    static constexpr Value Int(int64_t i) noexcept { return Value(Type::kInt, i); }
    static constexpr Value Double(double d) noexcept {
        Value v(Type::kDouble, 0);
        v.double_ = d;
        return v;
    }
    // `zone` is an index of data/zone.h: 0 is UTC.
    static constexpr Value Datetime(int64_t epoch_ns, uint32_t zone = 0) noexcept {
        Value v(Type::kDatetime, epoch_ns);
        v.len_ = zone;
        return v;
    }
    static constexpr Value String(std::string_view text) noexcept { return Value(Type::kString, text); }
    static constexpr Value Bytes(std::string_view bytes) noexcept { return Value(Type::kBytes, bytes); }
    static constexpr Value Error(std::string_view text) noexcept { return Value(Type::kError, text); }
    static Value Array(std::span<const Value> items) noexcept {
        Value v(Type::kArray, 0);
        v.items_ = items.data();
        v.len_ = static_cast<uint32_t>(items.size());
        return v;
    }
    // Fields must be sorted by key bytes, keys unique: that is the order in which objects are shown, and lets
    // lookups search (see SortFields).
    static Value Object(std::span<const Field> fields) noexcept {
        Value v(Type::kObject, 0);
        v.fields_ = fields.data();
        v.len_ = static_cast<uint32_t>(fields.size());
        return v;
    }

    constexpr Type type() const noexcept { return type_; }
    constexpr bool is_missing() const noexcept { return type_ == Type::kMissing; }
    // null or missing: what expressions treat as null
    constexpr bool is_null() const noexcept { return type_ <= Type::kNull; }
    constexpr bool is_error() const noexcept { return type_ == Type::kError; }
    constexpr bool is_number() const noexcept { return type_ == Type::kInt || type_ == Type::kDouble; }
    constexpr bool is_string() const noexcept { return type_ == Type::kString; }
    constexpr bool is_array() const noexcept { return type_ == Type::kArray; }
    constexpr bool is_object() const noexcept { return type_ == Type::kObject; }

    constexpr bool as_bool() const noexcept { return int_ != 0; }
    constexpr int64_t as_int() const noexcept { return int_; }
    constexpr double as_double() const noexcept { return double_; }
    // int or float as double
    constexpr double number() const noexcept {
        return type_ == Type::kInt ? static_cast<double>(int_) : double_;
    }
    constexpr int64_t epoch_ns() const noexcept { return int_; }
    constexpr uint32_t zone() const noexcept { return len_; }
    // text of kString, kBytes, kError
    constexpr std::string_view text() const noexcept { return {text_, len_}; }
    std::span<const Value> items() const noexcept { return {items_, len_}; }
    std::span<const Field> fields() const noexcept;
    // Value of `key` in an object, kMissing when absent. Linear below 9 fields, binary search above.
    Value Get(std::string_view key) const noexcept;
    constexpr uint32_t size() const noexcept { return len_; }

  private:
    constexpr Value(Type type, int64_t i) noexcept : int_(i), len_(0), type_(type) {}
    constexpr Value(Type type, std::string_view text) noexcept
        : text_(text.data()), len_(static_cast<uint32_t>(text.size())), type_(type) {}

    union {
        int64_t int_;
        double double_;
        const char* text_;
        const Value* items_;
        const Field* fields_;
    };
    uint32_t len_;
    Type type_;
};

// One member of an object, also one column of an output row.
struct Field {
    std::string_view key;
    Value value;
};

static_assert(sizeof(Value) == 16);

inline std::span<const Field> Value::fields() const noexcept { return {fields_, len_}; }

// Sorts by key bytes and keeps the last of equal keys (as Go maps do). Returns the new length.
size_t SortFields(std::span<Field> fields) noexcept;

// Deep copy of everything the value points to into `arena`.
Value CopyValue(const Value& value, Arena& arena);

// About the bytes of its text, in an array or object with everything that stands in it; counting stops beyond
// `limit`. Values share what they are made of, so that a few bytes can stand for any length of text.
size_t TextBytes(const Value& value, size_t limit) noexcept;

// Deep equality by value; 1 equals 1.0; null equals null; missing equals null. Not the SQL operator `=`.
bool DeepEquals(const Value& a, const Value& b) noexcept;

// Alike for values that DeepEquals takes for equal. Looks at the first few thousand parts of a value, since
// few bytes can stand for any number of parts.
size_t DeepHash(const Value& value) noexcept;

// For sets of pointers to values that outlive them.
struct DeepHasher {
    size_t operator()(const Value* value) const noexcept { return DeepHash(*value); }
};
struct DeepEqualTo {
    bool operator()(const Value* a, const Value* b) const noexcept { return DeepEquals(*a, *b); }
};

// Words for error texts: "bigint", "float", "string", "boolean", "datetime", "bytea", "array", "struct",
// "null".
std::string_view TypeName(Type type) noexcept;

}  // namespace haumea
