#include "data/value.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace haumea {

Value Value::Get(std::string_view key) const noexcept {
    if (type_ != Type::kObject) {
        return Missing();
    }
    constexpr uint32_t kLinear = 8;
    const std::span<const Field> all = fields();
    if (len_ <= kLinear) {
        for (const Field& field : all) {
            if (field.key == key) {
                return field.value;
            }
        }
        return Missing();
    }
    const auto it = std::lower_bound(all.begin(), all.end(), key,
                                     [](const Field& field, std::string_view k) { return field.key < k; });
    return it != all.end() && it->key == key ? it->value : Missing();
}

size_t SortFields(std::span<Field> fields) noexcept {
    const auto less = [](const Field& a, const Field& b) { return a.key < b.key; };
    constexpr size_t kInsertion = 24;
    if (fields.size() <= kInsertion) {
        for (size_t i = 1; i < fields.size(); ++i) {
            const Field moved = fields[i];
            size_t at = i;
            while (at > 0 && moved.key < fields[at - 1].key) {
                fields[at] = fields[at - 1];
                --at;
            }
            fields[at] = moved;
        }
    } else if (!std::is_sorted(fields.begin(), fields.end(), less)) {
        std::stable_sort(fields.begin(), fields.end(), less);
    }
    size_t out = 0;
    for (size_t i = 0; i < fields.size(); ++i) {
        if (out > 0 && fields[out - 1].key == fields[i].key) {
            fields[out - 1] = fields[i];
        } else {
            fields[out++] = fields[i];
        }
    }
    return out;
}

Value CopyValue(const Value& value, Arena& arena) {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
        case Type::kBool:
        case Type::kInt:
        case Type::kDouble:
        case Type::kDatetime:
            return value;
        case Type::kString:
            return Value::String(arena.Copy(value.text()));
        case Type::kBytes:
            return Value::Bytes(arena.Copy(value.text()));
        case Type::kError:
            return Value::Error(arena.Copy(value.text()));
        case Type::kArray: {
            auto* items = arena.AllocateArray<Value>(value.size());
            for (size_t i = 0; i < value.size(); ++i) {
                items[i] = CopyValue(value.items()[i], arena);
            }
            return Value::Array({items, value.size()});
        }
        case Type::kObject: {
            auto* fields = arena.AllocateArray<Field>(value.size());
            for (size_t i = 0; i < value.size(); ++i) {
                const Field& field = value.fields()[i];
                fields[i] = {arena.Copy(field.key), CopyValue(field.value, arena)};
            }
            return Value::Object({fields, value.size()});
        }
    }
    return Value::Null();
}

size_t TextBytes(const Value& value, size_t limit) noexcept {
    constexpr size_t kAround = 2;  // quotes, or comma and bracket
    size_t bytes = kAround;
    switch (value.type()) {
        case Type::kString:
        case Type::kBytes:
        case Type::kError:
            return bytes + value.text().size();
        case Type::kArray:
            for (const Value& item : value.items()) {
                if (bytes > limit) {
                    break;
                }
                bytes += TextBytes(item, limit - bytes);
            }
            return bytes;
        case Type::kObject:
            for (const Field& field : value.fields()) {
                if (bytes > limit) {
                    break;
                }
                bytes += field.key.size() + kAround;
                bytes += bytes > limit ? 0 : TextBytes(field.value, limit - bytes);
            }
            return bytes;
        default:
            return bytes;
    }
}

bool DeepEquals(const Value& a, const Value& b) noexcept {
    if (a.is_null() || b.is_null()) {
        return a.is_null() && b.is_null();
    }
    if (a.is_number() && b.is_number()) {
        return a.type() == Type::kInt && b.type() == Type::kInt ? a.as_int() == b.as_int()
                                                                : a.number() == b.number();
    }
    if (a.type() != b.type()) {
        return false;
    }
    switch (a.type()) {
        case Type::kMissing:
        case Type::kNull:
            return true;
        case Type::kBool:
            return a.as_bool() == b.as_bool();
        case Type::kInt:
        case Type::kDouble:
            return a.number() == b.number();
        case Type::kDatetime:
            return a.epoch_ns() == b.epoch_ns();
        case Type::kString:
        case Type::kBytes:
        case Type::kError:
            return a.text() == b.text();
        case Type::kArray:
            return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                              DeepEquals);
        case Type::kObject:
            return std::equal(a.fields().begin(), a.fields().end(), b.fields().begin(), b.fields().end(),
                              [](const Field& x, const Field& y) {
                                  return x.key == y.key && DeepEquals(x.value, y.value);
                              });
    }
    return false;
}

namespace {

size_t Mixed(size_t seed, size_t hash) noexcept {
    return (seed ^ hash) * 0x9E3779B97F4A7C15ULL + (seed >> 29U);  // the golden ratio of 64 bits
}

size_t HashOf(const Value& value, size_t& parts) noexcept {
    if (parts == 0) {
        return 0;
    }
    --parts;
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            return 1;
        case Type::kBool:
            return value.as_bool() ? 3 : 2;
        case Type::kInt:
        case Type::kDouble:
            return std::hash<double>()(value.number());
        case Type::kDatetime:
            return std::hash<int64_t>()(value.epoch_ns());
        case Type::kString:
        case Type::kBytes:
        case Type::kError:
            return std::hash<std::string_view>()(value.text());
        case Type::kArray:
            return std::accumulate(
                value.items().begin(), value.items().end(), 1000 + value.size(),
                [&parts](size_t hash, const Value& item) { return Mixed(hash, HashOf(item, parts)); });
        case Type::kObject:
            return std::accumulate(value.fields().begin(), value.fields().end(), 2000 + value.size(),
                                   [&parts](size_t hash, const Field& field) {
                                       hash = Mixed(hash, std::hash<std::string_view>()(field.key));
                                       return Mixed(hash, HashOf(field.value, parts));
                                   });
    }
    return 0;
}

}  // namespace

size_t DeepHash(const Value& value) noexcept {
    size_t parts = 4096;
    return HashOf(value, parts);
}

std::string_view TypeName(Type type) noexcept {
    switch (type) {
        case Type::kMissing:
        case Type::kNull:
            return "null";
        case Type::kBool:
            return "boolean";
        case Type::kInt:
            return "bigint";
        case Type::kDouble:
            return "float";
        case Type::kDatetime:
            return "datetime";
        case Type::kString:
            return "string";
        case Type::kBytes:
            return "bytea";
        case Type::kArray:
            return "array";
        case Type::kObject:
            return "struct";
        case Type::kError:
            return "error";
    }
    return "unknown";
}

}  // namespace haumea
