// Functions that need more than the values of their arguments. Here are their names and checks; the compiler
// and the operators of the plan implement them.
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

using Class = sql::FunctionClass;

std::string CheckMeta(const sql::CallExpr& call) {
    const sql::Expr* expr = call.args[0].get();
    // meta(a->b) reads inside of a key.
    while (const auto* binary = sql::As<sql::BinaryExpr>(expr)) {
        if (binary->op != sql::BinaryOp::kArrow) {
            break;
        }
        expr = binary->lhs.get();
    }
    if (expr->kind == sql::ExprKind::kMeta) {
        return {};
    }
    if (const auto* wildcard = sql::As<sql::WildcardExpr>(expr)) {
        return wildcard->except.empty() && wildcard->replace.empty()
                   ? ""
                   : "Expect meta reference without EXCEPT and REPLACE";
    }
    return "Expect meta reference type for parameter 1";
}

std::string CheckMqtt(const sql::CallExpr& call) {
    const auto* meta = sql::As<sql::MetaExpr>(call.args[0].get());
    const auto* column = sql::As<sql::ColumnExpr>(call.args[0].get());
    const std::string& name = meta != nullptr ? meta->name : column != nullptr ? column->name : "";
    return name == "topic" || name == "messageid"
               ? ""
               : "Parameter of mqtt function can be only topic or messageid.";
}

std::string CheckChangedCols(const sql::CallExpr& call) {
    if (call.args.size() <= 2) {
        return fmt::format("expect more than two args but got {}", call.args.size());
    }
    return CheckKinds(call, "sb");
}

struct Form {
    std::string_view name;
    Class kind;
    std::string_view family;
    int min_args;
    int max_args;
    CheckFunction check;
    std::string_view signature;
    std::string_view doc;
};

constexpr Form kForms[] = {
    {"rule_id", Class::kScalar, "misc", 0, 0, nullptr, "rule_id()", "Id of the rule."},
    {"rule_start", Class::kScalar, "misc", 0, 0, nullptr, "rule_start()",
     "Start of the rule in milliseconds since 1970."},
    {"event_time", Class::kScalar, "misc", 0, 0, nullptr, "event_time()",
     "Timestamp of the event in milliseconds since 1970; in aggregate queries the trigger of the window."},
    {"window_start", Class::kScalar, "misc", 0, 0, nullptr, "window_start()",
     "Start of the window in milliseconds."},
    {"window_end", Class::kScalar, "misc", 0, 0, nullptr, "window_end()",
     "End of the window in milliseconds."},
    {"window_trigger", Class::kScalar, "misc", 0, 0, nullptr, "window_trigger()",
     "When the window was triggered, in milliseconds."},
    {"meta", Class::kScalar, "misc", 1, 1, CheckMeta, "meta(key)",
     "Metadata of the message, such as its topic."},
    {"mqtt", Class::kScalar, "misc", 1, 1, CheckMqtt, "mqtt(topic|messageid)",
     "Metadata of an MQTT message."},
    {"delay", Class::kScalar, "misc", 2, 2, Kinds<'i'>, "delay(ms, x)", "The value of x, some time later."},
    {"last_hit_count", Class::kScalar, "misc", 0, 0, nullptr, "last_hit_count()",
     "How often the condition was true before."},
    {"last_hit_time", Class::kScalar, "misc", 0, 0, nullptr, "last_hit_time()",
     "When the condition was true before."},
    {"last_agg_hit_count", Class::kAggregate, "aggregate", 0, 0, nullptr, "last_agg_hit_count()",
     "How often the condition on groups was true before."},
    {"last_agg_hit_time", Class::kAggregate, "aggregate", 0, 0, nullptr, "last_agg_hit_time()",
     "Trigger of the window in which the condition on groups was true before."},
    {"changed_cols", Class::kMultiColumn, "analytic", 1, -1, CheckChangedCols,
     "changed_cols(prefix, ignore_null, x, ...)",
     "A column for each value that differs from the one before."},
    {"unnest", Class::kSetReturning, "set returning", 1, 1, nullptr, "unnest(array)",
     "One row for each element."},
    {"extract", Class::kSetReturning, "set returning", 1, 1, nullptr, "extract(object)",
     "A column for each member."},
    {"row_number", Class::kWindowFunction, "window", 0, 0, nullptr, "row_number()",
     "Number of the row in its window, from 1."},
};

}  // namespace

void AddBuiltinForms(FunctionRegistry& r) {
    for (const Form& form : kForms) {
        r.Add({.name = form.name,
               .kind = form.kind,
               .family = form.family,
               .signature = form.signature,
               .doc = form.doc,
               .min_args = form.min_args,
               .max_args = form.max_args,
               .check = form.check,
               .pure = false,
               .builtin_form = true});
    }
}

}  // namespace haumea::expr
