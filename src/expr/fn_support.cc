#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

bool IsNumber(const sql::Expr& expr) {
    return expr.kind == sql::ExprKind::kInteger || expr.kind == sql::ExprKind::kNumber;
}

// The word for the expected type, or null when the argument may pass.
const char* Complaint(char kind, const sql::Expr& arg) {
    const bool string = arg.kind == sql::ExprKind::kString;
    const bool unit = arg.kind == sql::ExprKind::kTimeUnit;
    // A comparison is a boolean literal here.
    const bool boolean = sql::IsBooleanSyntax(arg);
    switch (kind) {
        case 'n':
            return string || unit || boolean ? "number - float or int" : nullptr;
        case 'i':
            return string || unit || boolean || arg.kind == sql::ExprKind::kNumber ? "int" : nullptr;
        case 's':
            return IsNumber(arg) || unit || boolean ? "string" : nullptr;
        case 'b':
            return IsNumber(arg) || unit || string ? "bool" : nullptr;
        case 'd':
            return IsNumber(arg) || unit || string || boolean ? "datetime" : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace

size_t FirstRuneSize(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t wanted = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    if (wanted > text.size()) {
        return 1;
    }
    for (size_t i = 1; i < wanted; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
            return 1;
        }
    }
    return wanted;
}

size_t CountRunes(std::string_view text) noexcept {
    size_t count = 0;
    for (; !text.empty(); ++count) {
        text.remove_prefix(FirstRuneSize(text));
    }
    return count;
}

std::string CheckKinds(const sql::CallExpr& call, std::string_view kinds) {
    for (size_t i = 0; i < call.args.size() && i < kinds.size(); ++i) {
        if (const char* expected = Complaint(kinds[i], *call.args[i]); expected != nullptr) {
            return fmt::format("Expect {} type for parameter {}", expected, i + 1);
        }
    }
    return {};
}

std::string CheckNotEmpty(const sql::CallExpr& call) {
    return call.args.empty() ? "The arguments should be at least one." : "";
}

}  // namespace haumea::expr
