#include "expr/operators.h"

#include <cmath>
#include <string>

#include "data/cast.h"
#include "data/go_format.h"

namespace haumea::expr {
namespace {

using sql::BinaryOp;

Value InvalidOperation(BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept {
    std::string text = "invalid operation ";
    text += GoTyped(lhs);
    text += ' ';
    text += ToText(op);
    text += ' ';
    text += GoTyped(rhs);
    return MakeError(text, arena);
}

Value InvalidFor(BinaryOp op, const Value& lhs, Arena& arena) noexcept {
    std::string text(ToText(op));
    text += " is an invalid operation for ";
    text += GoTypeName(lhs.type());
    return MakeError(text, arena);
}

// Two's complement wrap without undefined behaviour.
int64_t Wrap(uint64_t bits) noexcept { return static_cast<int64_t>(bits); }

Value IntArithmetic(BinaryOp op, int64_t a, int64_t b, Arena& arena) noexcept {
    const auto ua = static_cast<uint64_t>(a);
    const auto ub = static_cast<uint64_t>(b);
    switch (op) {
        case BinaryOp::kAdd:
            return Value::Int(Wrap(ua + ub));
        case BinaryOp::kSub:
            return Value::Int(Wrap(ua - ub));
        case BinaryOp::kMul:
            return Value::Int(Wrap(ua * ub));
        case BinaryOp::kBitAnd:
            return Value::Int(a & b);
        case BinaryOp::kBitOr:
            return Value::Int(a | b);
        case BinaryOp::kBitXor:
            return Value::Int(a ^ b);
        case BinaryOp::kDiv:
            if (b == 0) {
                return MakeError("divided by zero", arena);
            }
            return Value::Int(b == -1 ? Wrap(-ua) : a / b);  // the minimum / -1 would trap
        default:
            if (b == 0) {
                return MakeError("divided by zero", arena);
            }
            return Value::Int(b == -1 ? 0 : a % b);
    }
}

Value DoubleArithmetic(BinaryOp op, double a, double b, Arena& arena) noexcept {
    switch (op) {
        case BinaryOp::kAdd:
            return Value::Double(a + b);
        case BinaryOp::kSub:
            return Value::Double(a - b);
        case BinaryOp::kMul:
            return Value::Double(a * b);
        case BinaryOp::kDiv:
            return b == 0 ? MakeError("divided by zero", arena) : Value::Double(a / b);
        case BinaryOp::kMod:
            return b == 0 ? MakeError("divided by zero", arena) : Value::Double(std::fmod(a, b));
        default:
            return InvalidOperation(op, Value::Double(a), Value::Double(b), arena);
    }
}

bool IsBitwise(BinaryOp op) noexcept {
    return op == BinaryOp::kBitAnd || op == BinaryOp::kBitOr || op == BinaryOp::kBitXor;
}

bool IsArithmetic(BinaryOp op) noexcept { return op <= BinaryOp::kMod; }

Value Arithmetic(BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept {
    if (lhs.type() == Type::kInt && rhs.type() == Type::kInt) {
        return IntArithmetic(op, lhs.as_int(), rhs.as_int(), arena);
    }
    if (lhs.is_number() && rhs.is_number()) {
        return DoubleArithmetic(op, lhs.number(), rhs.number(), arena);
    }
    if (IsBitwise(op) && lhs.type() == Type::kBool && rhs.type() == Type::kBool) {
        const bool a = lhs.as_bool();
        const bool b = rhs.as_bool();
        return Value::Bool(op == BinaryOp::kBitAnd ? a && b : op == BinaryOp::kBitOr ? a || b : a != b);
    }
    return InvalidOperation(op, lhs, rhs, arena);
}

Value Comparison(BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept {
    if (lhs.type() == Type::kBool && rhs.type() == Type::kBool) {
        if (op == BinaryOp::kEq || op == BinaryOp::kNe) {
            return Value::Bool((lhs.as_bool() == rhs.as_bool()) == (op == BinaryOp::kEq));
        }
        return InvalidOperation(op, lhs, rhs, arena);
    }
    const Order order = Compare(lhs, rhs);
    if (!order.comparable) {
        return InvalidOperation(op, lhs, rhs, arena);
    }
    if (order.unordered) {
        return Value::Bool(op == BinaryOp::kNe);
    }
    switch (op) {
        case BinaryOp::kEq:
            return Value::Bool(order.sign == 0);
        case BinaryOp::kNe:
            return Value::Bool(order.sign != 0);
        case BinaryOp::kLt:
            return Value::Bool(order.sign < 0);
        case BinaryOp::kLe:
            return Value::Bool(order.sign <= 0);
        case BinaryOp::kGt:
            return Value::Bool(order.sign > 0);
        default:
            return Value::Bool(order.sign >= 0);
    }
}

// Both operands are evaluated already; null counts as false.
Value Logic(BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept {
    if (lhs.is_null() || rhs.is_null()) {
        return Value::Bool(op == BinaryOp::kOr && lhs.type() == Type::kBool && lhs.as_bool());
    }
    if (lhs.type() != Type::kBool || rhs.type() != Type::kBool) {
        return InvalidOperation(op, lhs, rhs, arena);
    }
    return Value::Bool(op == BinaryOp::kAnd ? lhs.as_bool() && rhs.as_bool()
                                            : lhs.as_bool() || rhs.as_bool());
}

template <typename T>
Order OrderOf(const T& a, const T& b) noexcept {
    return {.sign = a < b ? -1 : (b < a ? 1 : 0)};
}

// A datetime on the left takes anything that can be read as an instant.
Order CompareInstant(const Value& lhs, const Value& rhs) noexcept {
    if (rhs.type() == Type::kDatetime) {
        return OrderOf(lhs.epoch_ns(), rhs.epoch_ns());
    }
    if (rhs.is_number() || rhs.is_string()) {
        Arena scratch;
        const Value instant = ToDatetime(rhs, scratch);
        if (instant.type() == Type::kDatetime) {
            return OrderOf(lhs.epoch_ns(), instant.epoch_ns());
        }
    }
    return {.comparable = false};
}

}  // namespace

Order Compare(const Value& lhs, const Value& rhs) noexcept {
    if (lhs.type() == Type::kInt && rhs.type() == Type::kInt) {
        return OrderOf(lhs.as_int(), rhs.as_int());
    }
    if (lhs.is_number() && rhs.is_number()) {
        const double a = lhs.number();
        const double b = rhs.number();
        Order order = OrderOf(a, b);
        order.unordered = std::isnan(a) || std::isnan(b);
        return order;
    }
    if (lhs.is_string() && rhs.is_string()) {
        return OrderOf(lhs.text(), rhs.text());
    }
    if (lhs.type() == Type::kDatetime) {
        return CompareInstant(lhs, rhs);
    }
    return {.comparable = false};
}

Value ApplyBinary(BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept {
    if (lhs.is_error()) {
        return lhs;
    }
    if (rhs.is_error()) {
        return rhs;
    }
    // Composite values are refused even beside null.
    if (lhs.is_array() || lhs.is_object() || lhs.type() == Type::kBytes) {
        return InvalidFor(op, lhs, arena);
    }
    if (op == BinaryOp::kAnd || op == BinaryOp::kOr) {
        return Logic(op, lhs, rhs, arena);
    }
    if (lhs.is_null() || rhs.is_null()) {
        return IsArithmetic(op) ? Value::Null() : Value::Bool(false);
    }
    return IsArithmetic(op) || IsBitwise(op) ? Arithmetic(op, lhs, rhs, arena)
                                             : Comparison(op, lhs, rhs, arena);
}

Value MakeError(std::string_view text, Arena& arena) noexcept { return Value::Error(arena.Copy(text)); }

Value PrefixError(std::string_view prefix, const Value& error, Arena& arena) noexcept {
    std::string text(prefix);
    text += error.text();
    return MakeError(text, arena);
}

}  // namespace haumea::expr
