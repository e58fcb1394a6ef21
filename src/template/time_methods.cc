#include "template/time_methods.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "data/datetime.h"
#include "data/go_format.h"

namespace haumea::text_template {

Value TimeMethod(const Value& time, std::string_view name, std::span<const Value> args, CallContext& ctx) {
    const Moment moment = Moment::FromValue(time);
    const CivilTime civil = ToCivil(moment);
    if (name == "Format" && args.size() == 1 && args[0].is_string()) {
        std::string out;
        TimePattern::FromGoLayout(args[0].text()).Format(moment, out);
        return MakeText(ctx, out);
    }
    if (!args.empty()) {
        return MakeError(ctx, fmt::format("wrong number of args for {}", name));
    }
    const std::pair<std::string_view, int64_t> numbers[] = {
        {"Year", civil.year},          {"Day", civil.day},       {"Hour", civil.hour},
        {"Minute", civil.minute},      {"Second", civil.second}, {"Nanosecond", civil.nanos},
        {"YearDay", civil.year_day},   {"Unix", moment.seconds}, {"UnixMilli", moment.epoch_ms()},
        {"UnixNano", time.epoch_ns()},
    };
    for (const auto& [method, value] : numbers) {
        if (name == method) {
            return Value::Int(value);
        }
    }
    if (name == "Month") {
        return Value::String(kMonthNames[civil.month - 1]);
    }
    if (name == "Weekday") {
        return Value::String(kDayNames[civil.weekday]);
    }
    if (name == "String") {
        return Value::String(GoText(time, ctx.arena));
    }
    return MakeError(ctx, fmt::format("can't evaluate field {} in type time.Time", name));
}

}  // namespace haumea::text_template
