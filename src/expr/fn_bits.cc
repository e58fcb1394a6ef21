#include <array>
#include <charconv>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

template <int64_t (*F)(int64_t, int64_t)>
Value BitOperation(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> a = ToInt(args[0], Casting::kStrict);
    if (!a) {
        return ErrorOf(ctx, "Expect int type for the first operand but got {}", GoText(args[0]));
    }
    const std::optional<int64_t> b = ToInt(args[1], Casting::kStrict);
    return b ? Value::Int(F(*a, *b))
             : ErrorOf(ctx, "Expect int type for the second operand but got {}", GoText(args[1]));
}

int64_t And(int64_t a, int64_t b) { return a & b; }
int64_t Or(int64_t a, int64_t b) { return a | b; }
int64_t Xor(int64_t a, int64_t b) { return a ^ b; }

Value Not(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> a = ToInt(args[0], Casting::kStrict);
    return a ? Value::Int(~*a) : ErrorOf(ctx, "Expect int type for operand but got {}", GoText(args[0]));
}

int DigitValue(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

std::string_view TrimSpaces(std::string_view text) noexcept {
    constexpr std::string_view kSpaces = " \t\n\v\f\r";
    const size_t first = std::min(text.find_first_not_of(kSpaces), text.size());
    return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

// CONV of MySQL: the longest prefix of digits counts; a negative base stands for signed numbers.
Value Conv(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> from = ToInt(args[1], Casting::kSameKind);
    const std::optional<int64_t> to = ToInt(args[2], Casting::kSameKind);
    if (!from || !to) {
        return Value::Error(ctx.arena.Copy(ConversionError(from ? args[2] : args[1], "int")));
    }
    const auto valid = [](int64_t base) { return (base >= 2 && base <= 36) || (base >= -36 && base <= -2); };
    if (!valid(*from) || !valid(*to)) {
        return Value::Null();
    }
    const bool is_signed = *from < 0;
    const int base = static_cast<int>(is_signed ? -*from : *from);
    std::string_view digits = TrimSpaces(GoText(args[0], ctx.arena));
    bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) {
        digits.remove_prefix(1);
    }
    uint64_t number = 0;
    for (const char c : digits) {
        const int digit = DigitValue(c);
        if (digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(number, static_cast<uint64_t>(base), &number) ||
            __builtin_add_overflow(number, static_cast<uint64_t>(digit), &number)) {
            return ErrorOf(ctx, "strconv.ParseUint: parsing \"{}\": value out of range", digits);
        }
    }
    constexpr uint64_t kSmallest = uint64_t{1} << 63U;
    if (is_signed) {
        number = std::min(number, negative ? kSmallest : kSmallest - 1);
    }
    number = negative ? 0 - number : number;
    negative = *to < 0 && static_cast<int64_t>(number) < 0;
    number = negative ? 0 - number : number;
    std::array<char, 66> text;
    char* begin = text.data() + 1;
    const auto end =
        std::to_chars(begin, text.data() + text.size(), number, static_cast<int>(*to < 0 ? -*to : *to));
    for (char* p = begin; p < end.ptr; ++p) {
        *p = *p >= 'a' ? static_cast<char>(*p - 'a' + 'A') : *p;
    }
    if (negative) {
        *--begin = '-';
    }
    return StringResult(ctx, {begin, static_cast<size_t>(end.ptr - begin)});
}

std::string CheckConv(const sql::CallExpr& call) {
    for (size_t i = 1; i < 3; ++i) {
        const sql::ExprKind kind = call.args[i]->kind;
        if (kind != sql::ExprKind::kInteger &&
            (kind == sql::ExprKind::kString || kind == sql::ExprKind::kNumber ||
             kind == sql::ExprKind::kTimeUnit || sql::IsBooleanSyntax(*call.args[i]))) {
            return fmt::format("Expect integer type for parameter {}", i + 1);
        }
    }
    return {};
}

FunctionDescriptor Bits(std::string_view name, std::string_view signature, std::string_view doc, int arity,
                        ScalarFunction function, CheckFunction check, std::string_view example,
                        std::string_view result) {
    return FixedScalar("math", NullRule::kNullIfAny, name, signature, doc, arity, function, check, example,
                       result);
}

}  // namespace

void AddBitFunctions(FunctionRegistry& r) {
    r.Add(Bits("bitand", "bitand(a, b)", "Bitwise and of two whole numbers.", 2, OrNull<BitOperation<And>>,
               Kinds<'i', 'i'>, "bitand(12, 10)", "8"));
    r.Add(Bits("bitor", "bitor(a, b)", "Bitwise or of two whole numbers.", 2, OrNull<BitOperation<Or>>,
               Kinds<'i', 'i'>, "bitor(12, 10)", "14"));
    r.Add(Bits("bitxor", "bitxor(a, b)", "Bitwise exclusive or of two whole numbers.", 2,
               OrNull<BitOperation<Xor>>, Kinds<'i', 'i'>, "bitxor(12, 10)", "6"));
    r.Add(Bits("bitnot", "bitnot(a)", "Bitwise complement of a whole number.", 1, OrNull<Not>, Kinds<'i'>,
               "bitnot(12)", "-13"));
    r.Add(Bits("conv", "conv(number, from_base, to_base)",
               "Rewrites a number from one base (2 to 36) in another; negative bases are signed.", 3,
               OrNull<Conv>, CheckConv, "conv(\"a\", 16, 2)", "\"1010\""));
}

}  // namespace haumea::expr
