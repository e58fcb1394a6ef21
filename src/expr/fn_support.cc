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
