#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sql/parser.h"
#include "sql/printer.h"

// Any bytes as a statement: no crash, and whatever parses can be printed and copied.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto check = [](const haumea::sql::Expr& expr) {
        const haumea::sql::ExprPtr copy = haumea::sql::Clone(&expr);
        if (haumea::sql::PrintExpr(*copy) != haumea::sql::PrintExpr(expr)) {
            std::abort();
        }
    };
    if (const auto stmt = haumea::sql::ParseRuleSql(text, nullptr)) {
        for (const haumea::sql::Field& field : stmt->fields) {
            check(*field.expr);
        }
        if (stmt->where != nullptr) {
            check(*stmt->where);
        }
    }
    if (const auto expr = haumea::sql::ParseExpression(text, nullptr)) {
        check(**expr);
    }
    // A definition that parses is stored as text and parsed again on every start.
    if (const auto stmt = haumea::sql::ParseStreamStatement(text)) {
        if (const auto* def = std::get_if<haumea::sql::StreamDef>(&*stmt)) {
            if (!haumea::sql::ParseStreamStatement(def->text)) {
                std::abort();
            }
        }
    }
    return 0;
}
