#include "exec/row_store.h"

#include <cstring>

namespace haumea::exec {
namespace {

// Bytes beside the value itself; arrays and objects are aligned to 8.
size_t DeepSize(const Value& value) noexcept {
    constexpr size_t kAlign = alignof(Value) - 1;
    switch (value.type()) {
        case Type::kString:
        case Type::kBytes:
        case Type::kError:
            return value.text().size();
        case Type::kArray: {
            size_t size = value.size() * sizeof(Value) + kAlign;
            for (const Value& item : value.items()) {
                size += DeepSize(item);
            }
            return size;
        }
        case Type::kObject: {
            size_t size = value.size() * sizeof(Field) + kAlign;
            for (const Field& field : value.fields()) {
                size += field.key.size() + DeepSize(field.value);
            }
            return size;
        }
        default:
            return 0;
    }
}

// Copies into a stretch of memory that is known to be large enough.
class Copier {
  public:
    explicit Copier(char* cursor) : cursor_(cursor) {}

    template <typename T>
    T* Array(size_t n) noexcept {
        const auto address = reinterpret_cast<uintptr_t>(cursor_);
        cursor_ += (alignof(T) - address % alignof(T)) % alignof(T);
        auto* result = reinterpret_cast<T*>(cursor_);
        cursor_ += n * sizeof(T);
        return result;
    }
    std::string_view Text(std::string_view text) noexcept {
        if (text.empty()) {
            return {};
        }
        std::memcpy(cursor_, text.data(), text.size());
        const std::string_view copy(cursor_, text.size());
        cursor_ += text.size();
        return copy;
    }
    Value Copy(const Value& value) noexcept {
        switch (value.type()) {
            case Type::kString:
                return Value::String(Text(value.text()));
            case Type::kBytes:
                return Value::Bytes(Text(value.text()));
            case Type::kError:
                return Value::Error(Text(value.text()));
            case Type::kArray: {
                auto* items = Array<Value>(value.size());
                for (size_t i = 0; i < value.size(); ++i) {
                    items[i] = Copy(value.items()[i]);
                }
                return Value::Array({items, value.size()});
            }
            case Type::kObject:
                return Value::Object(Fields(value.fields()));
            default:
                return value;
        }
    }
    std::span<const Field> Fields(std::span<const Field> fields) noexcept {
        auto* copies = Array<Field>(fields.size());
        for (size_t i = 0; i < fields.size(); ++i) {
            copies[i] = {Text(fields[i].key), Copy(fields[i].value)};
        }
        return {copies, fields.size()};
    }

  private:
    char* cursor_;
};

}  // namespace

KeptTuple::KeptTuple(const expr::Tuple& tuple, size_t columns, const Ref<connect::Metadata>& meta)
    : meta_(meta), tuple_(tuple) {
    bytes_ = columns * sizeof(Value) + DeepSize(Value::Object(tuple.row.rest)) + alignof(Value);
    for (size_t i = 0; i < columns; ++i) {
        bytes_ += DeepSize(tuple.row.slots[i]);
    }
    buffer_ = Buffer::Allocate(bytes_);
    Copier copier(buffer_->data());
    auto* slots = copier.Array<Value>(columns);
    for (size_t i = 0; i < columns; ++i) {
        slots[i] = copier.Copy(tuple.row.slots[i]);
    }
    tuple_.row.slots = slots;
    tuple_.row.rest = copier.Fields(tuple.row.rest);
    tuple_.meta = meta_ ? &meta_->object() : nullptr;
    tuple_.derived = nullptr;
}

}  // namespace haumea::exec
