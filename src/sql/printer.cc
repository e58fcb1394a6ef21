#include "sql/printer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace haumea::sql {
namespace {

class Printer {
  public:
    Printer(const ColumnPrinter& columns, std::string& out) : columns_(columns), out_(out) {}

    void Print(const Expr& expr);

  private:
    void Print(const ExprPtr& expr) {
        if (expr != nullptr) {
            Print(*expr);
        }
    }
    void List(const std::vector<ExprPtr>& exprs) {
        for (size_t i = 0; i < exprs.size(); ++i) {
            out_ += i == 0 ? "" : ", ";
            Print(exprs[i]);
        }
    }
    void Column(const ColumnExpr& column);
    void Binary(const BinaryExpr& binary);
    void Call(const CallExpr& call);
    void Window(const WindowExpr& window);
    void Case(const CaseExpr& expr);
    void Slice(const SliceExpr& slice);
    void Like(const LikeExpr& like);

    const ColumnPrinter& columns_;
    std::string& out_;
};

void Printer::Column(const ColumnExpr& column) {
    if (columns_ && columns_(column, out_)) {
        return;
    }
    out_ += column.stream.empty() ? "$$default" : column.stream;
    out_ += '.';
    out_ += column.name;
}

void Printer::Binary(const BinaryExpr& binary) {
    out_ += "binaryExpr:{ ";
    Print(binary.lhs);
    if (binary.op == BinaryOp::kSubset) {
        out_ += '[';
        Print(binary.rhs);
        out_ += ']';
    } else {
        out_ += ' ';
        out_ += ToText(binary.op);
        out_ += ' ';
        Print(binary.rhs);
    }
    out_ += " }";
}

void Printer::Call(const CallExpr& call) {
    out_ += "Call:{ name:";
    out_ += call.name;
    if (!call.args.empty()) {
        out_ += ", args:[";
        if (call.arg_names.size() == call.args.size()) {
            for (size_t i = 0; i < call.args.size(); ++i) {
                out_ += i == 0 ? "" : ", ";
                out_ += "colFuncField:{ ";
                out_ += call.arg_names[i].empty() ? "" : "name: " + call.arg_names[i] + ", ";
                out_ += "expr:{ ";
                Print(call.args[i]);
                out_ += " } }";
            }
        } else {
            List(call.args);
        }
        out_ += ']';
    }
    if (call.when != nullptr) {
        out_ += ", when:{ ";
        Print(call.when);
        out_ += " }";
    }
    out_ += " }";
}

void Printer::Window(const WindowExpr& window) {
    out_ += "window:{ windowType:";
    out_ += ToText(window.type);
    if (window.type != WindowType::kCount && window.type != WindowType::kState) {
        out_ += fmt::format(", timeUnit: {} ", ToText(window.unit));
    }
    if (window.filter != nullptr) {
        out_ += ", ";
        Print(window.filter);
    }
    out_ += " }";
}

// The results are not shown.
void Printer::Case(const CaseExpr& expr) {
    out_ += "caseExprValue:{ ";
    if (expr.value != nullptr) {
        out_ += "value:{ ";
        Print(expr.value);
        out_ += expr.whens.empty() ? " }" : " }, ";
    }
    out_ += expr.whens.empty() ? "" : "whenClauses:[";
    for (size_t i = 0; i < expr.whens.size(); ++i) {
        out_ += i == 0 ? "{ whenClause:{ " : ", { whenClause:{ ";
        Print(expr.whens[i].condition);
        out_ += " } }";
    }
    out_ += expr.whens.empty() ? " }" : "] }";
}

// Missing bounds show as what eKuiper puts in their place.
void Printer::Slice(const SliceExpr& slice) {
    out_ += "ColonExpr:{ start:{ ";
    if (slice.start != nullptr) {
        Print(slice.start);
    } else {
        out_ += '0';
    }
    out_ += " }, end:{ ";
    if (slice.end != nullptr) {
        Print(slice.end);
    } else {
        out_ += "-2147483648";
    }
    out_ += " } }";
}

// A literal pattern shows as the regular expression that eKuiper makes of it.
void Printer::Like(const LikeExpr& like) {
    out_ += "likePattern:";
    const auto* literal = As<StringExpr>(like.pattern.get());
    if (literal == nullptr) {
        Print(like.pattern);
        return;
    }
    out_ += '^';
    for (size_t i = 0; i < literal->value.size(); ++i) {
        const char c = literal->value[i];
        if (c == '\\' && i + 1 < literal->value.size() &&
            (literal->value[i + 1] == '%' || literal->value[i + 1] == '_')) {
            out_ += "\\\\";
            out_ += literal->value[++i];
        } else if (c == '\\') {
            out_ += "\\\\";
        } else if (c == '%') {
            out_ += ".*";
        } else if (c == '_') {
            out_ += '.';
        } else {
            out_ += c;
        }
    }
    out_ += '$';
}

void Printer::Print(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::kColumn:
            return Column(static_cast<const ColumnExpr&>(expr));
        case ExprKind::kMeta: {
            const auto& meta = static_cast<const MetaExpr&>(expr);
            out_ += fmt::format("metaRef:{{ streamName:{}, fieldName:{} }}",
                                meta.stream.empty() ? "$$default" : meta.stream, meta.name);
            return;
        }
        case ExprKind::kInteger:
            out_ += std::to_string(static_cast<const IntegerExpr&>(expr).value);
            return;
        case ExprKind::kNumber:
            out_ += PrintNumber(static_cast<const NumberExpr&>(expr).value);
            return;
        case ExprKind::kString:
            out_ += static_cast<const StringExpr&>(expr).value;
            return;
        case ExprKind::kBoolean:
            out_ += static_cast<const BooleanExpr&>(expr).value ? "true" : "false";
            return;
        case ExprKind::kTimeUnit:
            out_ += ToText(static_cast<const TimeUnitExpr&>(expr).unit);
            return;
        case ExprKind::kBinary:
            return Binary(static_cast<const BinaryExpr&>(expr));
        case ExprKind::kParen:
            out_ += "parenExpr:{ ";
            Print(static_cast<const ParenExpr&>(expr).inner);
            out_ += " }";
            return;
        case ExprKind::kCall:
            return Call(static_cast<const CallExpr&>(expr));
        case ExprKind::kWindow:
            return Window(static_cast<const WindowExpr&>(expr));
        case ExprKind::kCase:
            return Case(static_cast<const CaseExpr&>(expr));
        case ExprKind::kValueSet:
            out_ += "valueSetExpr:{ literalExprs:[";
            List(static_cast<const ValueSetExpr&>(expr).items);
            out_ += "] }";
            return;
        case ExprKind::kBetween:
            out_ += "betweenExpr:{ ";
            Print(static_cast<const BetweenExpr&>(expr).low);
            out_ += ", ";
            Print(static_cast<const BetweenExpr&>(expr).high);
            out_ += " }";
            return;
        case ExprKind::kLike:
            return Like(static_cast<const LikeExpr&>(expr));
        case ExprKind::kIndex:
            return Print(static_cast<const IndexExpr&>(expr).index);
        case ExprKind::kSlice:
            return Slice(static_cast<const SliceExpr&>(expr));
        case ExprKind::kJsonField:
            out_ += "jsonFieldName:" + static_cast<const JsonFieldExpr&>(expr).name;
            return;
        case ExprKind::kWildcard:
            out_ += '*';
            return;
    }
}

}  // namespace

std::string PrintExpr(const Expr& expr, const ColumnPrinter& columns) {
    std::string out;
    Printer(columns, out).Print(expr);
    return out;
}

std::string PrintSortItem(const SortItem& item, const ColumnPrinter& columns) {
    return fmt::format("sortField:{{ name:{}, ascending:{}, fieldExpr:{{ {} }} }}", item.name, item.ascending,
                       PrintExpr(*item.expr, columns));
}

std::string PrintNumber(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value < 0 ? "-Inf" : "+Inf";
    }
    std::array<char, 400> buffer{};
    // Shortest digits as d.ddde+XX, to see the exponent: Go's 'g' keeps it below -4 and from 6 on.
    char* end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
    const std::string scientific(buffer.data(), end);
    const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
    if (exponent < -4 || exponent >= 6) {
        return scientific;
    }
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
    return {buffer.data(), end};
}

}  // namespace haumea::sql
