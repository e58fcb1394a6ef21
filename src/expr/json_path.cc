#include "expr/json_path.h"

#include <fmt/format.h>

#include <cmath>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

// `value` and everything below, outer before inner.
void AppendDescendants(const Value& value, std::vector<Value>& out) {
    if (out.size() > kMaxResultItems) {
        return;
    }
    out.push_back(value);
    if (value.is_array()) {
        for (const Value& item : value.items()) {
            AppendDescendants(item, out);
        }
    } else if (value.is_object()) {
        for (const Field& field : value.fields()) {
            AppendDescendants(field.value, out);
        }
    }
}

void AppendChildren(const Value& value, std::vector<Value>& out) {
    if (value.is_array()) {
        out.insert(out.end(), value.items().begin(), value.items().end());
    } else if (value.is_object()) {
        for (const Field& field : value.fields()) {
            out.push_back(field.value);
        }
    }
}

const Value* ItemAt(const Value& value, int64_t index) {
    const auto size = static_cast<int64_t>(value.is_array() ? value.size() : 0);
    index += index < 0 ? size : 0;
    return index < 0 || index >= size ? nullptr : &value.items()[static_cast<size_t>(index)];
}

bool IsTrue(const Value& value) { return value.type() == Type::kBool ? value.as_bool() : !value.is_null(); }

}  // namespace

JsonPath::JsonPath() = default;
JsonPath::JsonPath(JsonPath&&) noexcept = default;
JsonPath& JsonPath::operator=(JsonPath&&) noexcept = default;
JsonPath::~JsonPath() = default;

bool JsonPath::Follow(const Value& from, const Value& root, Arena& arena, std::vector<Value>& found) const {
    struct Select {
        const Value& value;
        const Value& root;
        Arena& arena;
        std::vector<Value>& out;
        void operator()(const std::string& key) const {
            if (const Value member = value.Get(key); !member.is_missing()) {
                out.push_back(member);
            }
        }
        void operator()(int64_t index) const {
            if (const Value* item = ItemAt(value, index); item != nullptr) {
                out.push_back(*item);
            }
        }
        void operator()(const Slice& slice) const {
            const auto size = static_cast<int64_t>(value.is_array() ? value.size() : 0);
            const auto clamp = [size](int64_t i) {
                return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
            };
            const int64_t end = clamp(slice.end);
            for (int64_t i = clamp(slice.start); i < end; i += slice.step) {
                out.push_back(value.items()[static_cast<size_t>(i)]);
                if (slice.step > end - i) {
                    return;
                }
            }
        }
        void operator()(const Everything&) const { AppendChildren(value, out); }
        void operator()(const std::unique_ptr<const JsonFilter>& filter) const {
            std::vector<Value> children;
            AppendChildren(value, children);
            for (const Value& child : children) {
                if (filter->Accepts(child, root, arena)) {
                    out.push_back(child);
                }
            }
        }
    };
    found.assign(1, from);
    std::vector<Value> next;
    for (const Step& step : steps_) {
        if (step.descend) {
            next.clear();
            for (const Value& value : found) {
                AppendDescendants(value, next);
            }
            found.swap(next);
        }
        next.clear();
        for (const Value& value : found) {
            for (const Selector& selector : step.selectors) {
                std::visit(Select{value, root, arena, next}, selector);
            }
            if (next.size() > kMaxResultItems) {
                return false;
            }
        }
        found.swap(next);
    }
    return found.size() <= kMaxResultItems;
}

Value JsonPath::Query(const Value& root, Arena& arena) const {
    if (definite_) {
        Value at = root;
        for (const Step& step : steps_) {
            const Selector& selector = step.selectors.front();
            if (const auto* key = std::get_if<std::string>(&selector); key != nullptr) {
                const Value member = at.Get(*key);
                if (member.is_missing()) {
                    return Value::Error(arena.Copy(fmt::format("unknown key {}", *key)));
                }
                at = member;
                continue;
            }
            const int64_t index = std::get<int64_t>(selector);
            const Value* item = ItemAt(at, index);
            if (item == nullptr) {
                return Value::Error(arena.Copy(fmt::format("index {} out of bounds", index)));
            }
            at = *item;
        }
        return at;
    }
    std::vector<Value> found;
    if (!Follow(root, root, arena, found)) {
        return Value::Error(arena.Copy(fmt::format("the result has more than {} elements", kMaxResultItems)));
    }
    auto* items = arena.AllocateArray<Value>(found.size());
    std::copy(found.begin(), found.end(), items);
    return Value::Array({items, found.size()});
}

bool JsonFilter::Accepts(const Value& candidate, const Value& root, Arena& arena) const {
    return IsTrue(Evaluate(candidate, root, arena));
}

Value JsonFilter::Evaluate(const Value& candidate, const Value& root, Arena& arena) const {
    switch (op_) {
        case Op::kLiteral:
            return literal_;
        case Op::kCandidate:
        case Op::kRoot: {
            const Value found = path_.Query(op_ == Op::kCandidate ? candidate : root, arena);
            return found.is_error() ? Value::Missing() : found;
        }
        case Op::kNot:
            return Value::Bool(!IsTrue(left_->Evaluate(candidate, root, arena)));
        case Op::kMinus: {
            const Value value = left_->Evaluate(candidate, root, arena);
            return value.is_number() ? Value::Double(-value.number()) : Value::Missing();
        }
        case Op::kAnd:
            return Value::Bool(IsTrue(left_->Evaluate(candidate, root, arena)) &&
                               IsTrue(right_->Evaluate(candidate, root, arena)));
        case Op::kOr:
            return Value::Bool(IsTrue(left_->Evaluate(candidate, root, arena)) ||
                               IsTrue(right_->Evaluate(candidate, root, arena)));
        case Op::kEq:
        case Op::kNe:
        case Op::kLt:
        case Op::kLe:
        case Op::kGt:
        case Op::kGe:
        case Op::kAdd:
        case Op::kSub:
        case Op::kMul:
        case Op::kDiv:
        case Op::kMod:
            break;
    }
    return EvaluateBinary(candidate, root, arena);
}

Value JsonFilter::EvaluateBinary(const Value& candidate, const Value& root, Arena& arena) const {
    const Value a = left_->Evaluate(candidate, root, arena);
    const Value b = right_->Evaluate(candidate, root, arena);
    if (a.is_missing() || b.is_missing()) {
        return Value::Missing();
    }
    if (op_ == Op::kEq || op_ == Op::kNe) {
        return Value::Bool(DeepEquals(a, b) == (op_ == Op::kEq));
    }
    if (a.is_string() && b.is_string()) {
        const int order = a.text().compare(b.text());
        switch (op_) {
            case Op::kLt:
                return Value::Bool(order < 0);
            case Op::kLe:
                return Value::Bool(order <= 0);
            case Op::kGt:
                return Value::Bool(order > 0);
            case Op::kGe:
                return Value::Bool(order >= 0);
            default:
                return Value::Missing();
        }
    }
    if (!a.is_number() || !b.is_number()) {
        return Value::Missing();
    }
    const double x = a.number();
    const double y = b.number();
    switch (op_) {
        case Op::kLt:
            return Value::Bool(x < y);
        case Op::kLe:
            return Value::Bool(x <= y);
        case Op::kGt:
            return Value::Bool(x > y);
        case Op::kGe:
            return Value::Bool(x >= y);
        case Op::kAdd:
            return Value::Double(x + y);
        case Op::kSub:
            return Value::Double(x - y);
        case Op::kMul:
            return Value::Double(x * y);
        case Op::kDiv:
            return Value::Double(x / y);
        case Op::kMod:
            return Value::Double(std::fmod(x, y));
        default:
            return Value::Missing();
    }
}

}  // namespace haumea::expr
