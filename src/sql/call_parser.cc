#include <fmt/format.h>

#include <limits>
#include <utility>

#include "sql/expr_parser.h"
#include "sql/functions.h"
#include "sql/printer.h"

// The part of ExprParser about calls and window constructs.
namespace haumea::sql {

ExprPtr ExprParser::ParseCall(const Token& name, uint32_t start) {
    auto call = std::make_unique<CallExpr>();
    call->written = name.text;
    call->name = ToLower(name.text);
    const std::optional<WindowType> window = WindowTypeOf(call->name);
    const bool is_function = !window && call->name != kDedupTrigger;
    if (is_function && functions_ != nullptr) {
        Result<std::string> resolved = functions_->ResolveName(name.text);
        if (!resolved) {
            return in_.FailAt(name.span, std::move(resolved.error().message));
        }
        call->name = std::move(*resolved);
    }
    const FunctionClass cls = is_function ? Classify(call->name) : FunctionClass::kScalar;
    if (cls == FunctionClass::kMultiColumn && !in_select_list_) {
        return in_.FailAt(name.span,
                          fmt::format("function {} can only be used inside the select clause", name.text));
    }
    const bool outer_meta = std::exchange(in_meta_, TakesMetaReferences(call->name));
    const bool parsed = ParseArguments(*call, cls);
    in_meta_ = outer_meta;
    if (!parsed) {
        return nullptr;
    }
    call = Finish(std::move(call), start);
    if (call == nullptr) {
        return nullptr;
    }
    if (window) {
        return FinishWindow(*window, *call, start);
    }
    if (!is_function) {
        if (!CheckDedupTrigger(*call)) {
            return nullptr;
        }
    } else if (functions_ != nullptr) {
        if (Result<void> checked = functions_->CheckCall(*call); !checked) {
            return in_.FailAt(call->span, std::move(checked.error().message));
        }
    }
    if (call->name == "deduplicate") {
        auto wildcard = std::make_unique<WildcardExpr>();
        wildcard->span = call->span;
        call->args.insert(call->args.begin(), std::move(wildcard));
    }
    call->id = next_call_id_++;
    if (!ParseOver(*call, cls)) {
        return nullptr;
    }
    return Finish(std::move(call), start);
}

// From ( to ). A comma may stand before the ).
bool ExprParser::ParseArguments(CallExpr& call, FunctionClass cls) {
    in_.Take();
    while (!in_.Accept(TokenKind::kRightParen)) {
        ExprPtr arg = ParseExpr();
        if (arg == nullptr) {
            return false;
        }
        if (cls == FunctionClass::kMultiColumn) {
            call.arg_names.push_back(FieldNameOf(*arg));
        }
        call.args.push_back(std::move(arg));
        if (in_.Accept(TokenKind::kComma)) {
            continue;
        }
        if (!in_.Is(TokenKind::kRightParen)) {
            in_.Fail(fmt::format("found function call {}, expected ), but with {}.", Quote(call.name),
                                 Quote(in_.token().text)));
            return false;
        }
    }
    return true;
}

bool ExprParser::CheckDedupTrigger(const CallExpr& call) {
    if (call.args.size() != 4) {
        in_.FailAt(call.span, "dedup_trigger function should have 4 arguments");
        return false;
    }
    for (size_t i = 0; i < 3; ++i) {
        if (call.args[i]->kind != ExprKind::kColumn) {
            in_.FailAt(call.args[i]->span,
                       fmt::format("dedup_trigger function should have fieldRef as the {} argument", i + 1));
            return false;
        }
    }
    if (call.args[3]->kind != ExprKind::kInteger) {
        in_.FailAt(call.args[3]->span, "dedup_trigger function should have integer as the fourth argument");
        return false;
    }
    return true;
}

// OVER ( [PARTITION BY ...] [ORDER BY ...] [WHEN ...] ): order for window functions, when for analytic ones;
// not empty.
bool ExprParser::ParseOver(CallExpr& call, FunctionClass cls) {
    const Token over = in_.token();
    if (!in_.Accept(TokenKind::kOver)) {
        return true;
    }
    if (cls != FunctionClass::kAnalytic && cls != FunctionClass::kWindowFunction) {
        in_.FailAt(over.span, "Found OVER after non analytic function " + call.name);
        return false;
    }
    if (!in_.Is(TokenKind::kLeftParen)) {
        in_.Fail(fmt::format("Found {} after OVER, expect parentheses.", Quote(KindText(in_.token()))));
        return false;
    }
    in_.Take();
    call.has_over = true;
    if (!ParsePartition(call.partition)) {
        return false;
    }
    if (cls == FunctionClass::kWindowFunction && !ParseOrderBy(call.order)) {
        return false;
    }
    if (cls == FunctionClass::kAnalytic && in_.Accept(TokenKind::kWhen)) {
        call.when = ParseExpr();
        if (call.when == nullptr) {
            return false;
        }
    }
    const std::string found = Quote(KindText(in_.token()));
    if (call.partition.empty() && call.order.empty() && call.when == nullptr) {
        in_.Fail(fmt::format("Found {} after OVER (, expect partition by or when.", found));
        return false;
    }
    if (!in_.Accept(TokenKind::kRightParen)) {
        in_.Fail(fmt::format("Found {}, expect right parentheses after OVER ", found));
        return false;
    }
    return true;
}

bool ExprParser::ParsePartition(std::vector<ExprPtr>& exprs) {
    if (!in_.Accept(TokenKind::kPartition)) {
        return true;
    }
    if (!in_.Accept(TokenKind::kBy)) {
        in_.FailFound("expected by after partition.");
        return false;
    }
    do {
        ExprPtr expr = ParseExpr();
        if (expr == nullptr) {
            return false;
        }
        exprs.push_back(std::move(expr));
    } while (in_.Accept(TokenKind::kComma));
    return true;
}

// The call with its arguments is read; what may follow is FILTER and OVER.
ExprPtr ExprParser::FinishWindow(WindowType type, CallExpr& call, uint32_t start) {
    auto window = std::make_unique<WindowExpr>();
    window->type = type;
    if (type == WindowType::kState) {
        if (call.args.empty() || call.args.size() > 2) {
            return in_.FailAt(call.span, fmt::format("The arguments for {} should be 1 or 2.\n", call.name));
        }
        window->begin = std::move(call.args[0]);
        if (call.args.size() == 2) {
            window->emit = std::move(call.args[1]);
        }
    } else if (type == WindowType::kCount) {
        if (!ReadCountWindow(*window, call)) {
            return nullptr;
        }
    } else if (!ReadTimeWindow(*window, call)) {
        return nullptr;
    }
    if (!ParseFilter(*window) || !ParseWindowOver(*window)) {
        return nullptr;
    }
    return Finish(std::move(window), start);
}

bool ExprParser::ReadTimeWindow(WindowExpr& window, const CallExpr& call) {
    const size_t count = call.args.size();
    if (window.type == WindowType::kSliding) {
        if (count != 2 && count != 3) {
            in_.FailAt(call.span, fmt::format("The arguments for {} should be 2 or 3.\n", call.name));
            return false;
        }
    } else if (const size_t wanted = window.type == WindowType::kTumbling ? 2 : 3; count != wanted) {
        in_.FailAt(call.span, fmt::format("The arguments for {} should be {}.\n", call.name, wanted));
        return false;
    }
    const auto* unit = As<TimeUnitExpr>(call.args[0].get());
    if (unit == nullptr) {
        in_.FailAt(call.args[0]->span,
                   fmt::format("The 1st argument for {} is expecting timer literal expression. One value of "
                               "[dd|hh|mi|ss|ms].\n",
                               call.name));
        return false;
    }
    window.unit = unit->unit;
    for (size_t i = 1; i < count; ++i) {
        const auto* number = As<IntegerExpr>(call.args[i].get());
        if (number == nullptr) {  // spelled and counted as eKuiper does
            in_.FailAt(call.args[i]->span,
                       fmt::format("The {} argument for {} is expecting interger literal expression. \n", i,
                                   call.name));
            return false;
        }
        (i == 1                                ? window.length
         : window.type == WindowType::kSliding ? window.delay
                                               : window.interval) = number->value;
    }
    return CheckWindowLengths(window, call);
}

// eKuiper takes any number here; a window of no length cannot work.
bool ExprParser::CheckWindowLengths(const WindowExpr& window, const CallExpr& call) {
    const int64_t longest = std::numeric_limits<int64_t>::max() / 4 / ToMillis(window.unit);
    for (size_t i = 1; i < call.args.size(); ++i) {
        const int64_t value = static_cast<const IntegerExpr&>(*call.args[i]).value;
        // A sliding window of no length still holds its own event, and with a delay the ones after it.
        const int64_t least = window.type == WindowType::kSliding ? 0 : 1;
        if (value < least) {
            in_.FailAt(call.args[i]->span,
                       fmt::format("The {} argument for {} should be at least {}, but is {}.\n", i, call.name,
                                   least, value));
            return false;
        }
        if (value > longest) {
            in_.FailAt(call.args[i]->span,
                       fmt::format("The {} argument for {} should be at most {}, but is {}.\n", i, call.name,
                                   longest, value));
            return false;
        }
    }
    return true;
}

bool ExprParser::ReadCountWindow(WindowExpr& window, const CallExpr& call) {
    if (call.args.empty() || call.args.size() > 2) {
        in_.FailAt(call.span, "Invalid parameter count.");
        return false;
    }
    const auto* length = As<IntegerExpr>(call.args[0].get());
    if (call.args.size() == 1) {
        if (length == nullptr || length->value <= 0) {
            in_.FailAt(call.args[0]->span,
                       fmt::format("Invalid parameter value {}.", PrintExpr(*call.args[0])));
            return false;
        }
        window.length = length->value;
        window.interval = length->value;
        return true;
    }
    const auto* interval = As<IntegerExpr>(call.args[1].get());
    if (length == nullptr || interval == nullptr || length->value <= 0 || interval->value < 0) {
        in_.FailAt(call.args[0]->span, fmt::format("Invalid parameter value {}, {}.",
                                                   PrintExpr(*call.args[0]), PrintExpr(*call.args[1])));
        return false;
    }
    if (length->value < interval->value) {
        in_.FailAt(call.args[1]->span,
                   fmt::format("The second parameter value {} should be less than the first parameter {}.",
                               interval->value, length->value));
        return false;
    }
    window.length = length->value;
    window.interval = interval->value == 0 ? length->value : interval->value;
    return true;
}

bool ExprParser::ParseFilter(WindowExpr& window) {
    if (!in_.Accept(TokenKind::kFilter)) {
        return true;
    }
    const auto found = [this] { return Quote(in_.token().text); };
    if (!in_.Is(TokenKind::kLeftParen)) {
        in_.Fail(fmt::format("Found {} after FILTER, expect parentheses.", found()));
        return false;
    }
    in_.Take();
    if (!in_.Is(TokenKind::kWhere)) {
        in_.Fail(fmt::format("Found {} after FILTER(, expect WHERE.", found()));
        return false;
    }
    in_.Take();
    window.filter = ParseExpr();
    if (window.filter == nullptr) {
        return false;
    }
    if (!in_.Is(TokenKind::kRightParen)) {
        in_.Fail(fmt::format("Found {} after FILTER, expect right parentheses.", found()));
        return false;
    }
    in_.Take();
    return true;
}

// OVER ( [WHEN ...] [PARTITION BY ...] ): the other way round than for functions, and it may be empty.
bool ExprParser::ParseWindowOver(WindowExpr& window) {
    if (!in_.Accept(TokenKind::kOver)) {
        return true;
    }
    if (!in_.Is(TokenKind::kLeftParen)) {
        in_.Fail(fmt::format("Found {} after OVER, expect parentheses.", Quote(in_.token().text)));
        return false;
    }
    in_.Take();
    if (in_.Accept(TokenKind::kWhen)) {
        window.when = ParseExpr();
        if (window.when == nullptr) {
            return false;
        }
    }
    if (!ParsePartition(window.partition)) {
        return false;
    }
    if (!in_.Is(TokenKind::kRightParen)) {
        in_.Fail(fmt::format("Found {} after OVER, expect right parentheses.", Quote(in_.token().text)));
        return false;
    }
    in_.Take();
    return true;
}

}  // namespace haumea::sql
