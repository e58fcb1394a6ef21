#include <fmt/core.h>

#include <string>

#include "base/clock.h"
#include "data/datetime.h"
#include "data/zone.h"
#include "template/function.h"

// Dates, with Go's layouts (`2006-01-02`). Times without zone are shown in the zone of the option
// basic.timezone.
namespace haumea::text_template {
namespace {

Value Now(std::span<const Value>, CallContext&) {
    return Value::Datetime(SystemClock::Instance().NowMs() * 1'000'000, DefaultZone());
}

// A datetime, or whole seconds since 1970; anything else is now, as in sprig.
Moment MomentOf(const Value& value, uint32_t zone) {
    if (value.type() == Type::kDatetime) {
        Moment moment = Moment::FromValue(value);
        moment.zone = zone;
        return moment;
    }
    if (value.type() == Type::kInt) {
        Moment moment;
        moment.seconds = value.as_int();
        moment.zone = zone;
        return moment;
    }
    return Moment::FromEpochMs(SystemClock::Instance().NowMs(), zone);
}

Value Written(std::string_view layout, const Value& time, uint32_t zone, CallContext& ctx) {
    std::string out;
    TimePattern::FromGoLayout(layout).Format(MomentOf(time, zone), out);
    return MakeText(ctx, out);
}
// An unknown zone is UTC, as in sprig.
uint32_t ZoneOf(const Value& name) {
    const auto zone = FindZone(name.text());
    return zone ? *zone : kUtc;
}

Value Date(std::span<const Value> args, CallContext& ctx) {
    return Written(args[0].text(), args[1], DefaultZone(), ctx);
}
Value DateInZone(std::span<const Value> args, CallContext& ctx) {
    return Written(args[0].text(), args[1], ZoneOf(args[2]), ctx);
}
Value HtmlDate(std::span<const Value> args, CallContext& ctx) {
    return Written("2006-01-02", args[0], DefaultZone(), ctx);
}
Value HtmlDateInZone(std::span<const Value> args, CallContext& ctx) {
    return Written("2006-01-02", args[0], ZoneOf(args[1]), ctx);
}
Value UnixEpoch(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, fmt::format("{}", MomentOf(args[0], kUtc).seconds));
}
Value ToDate(std::span<const Value> args, CallContext& ctx, bool must) {
    const auto moment = TimePattern::FromGoLayout(args[0].text()).Parse(args[1].text(), DefaultZone());
    if (!moment) {
        return must ? MakeError(ctx, fmt::format("parsing time \"{}\" as \"{}\": cannot parse",
                                                 args[1].text(), args[0].text()))
                    : Value::Null();
    }
    return moment->ToValue();
}
Value LenientToDate(std::span<const Value> args, CallContext& ctx) { return ToDate(args, ctx, false); }
Value MustToDate(std::span<const Value> args, CallContext& ctx) { return ToDate(args, ctx, true); }

constexpr Function kFunctions[] = {
    {"now", "", Now},
    {"date", "sa", Date},
    {"dateInZone", "sas", DateInZone},
    {"date_in_zone", "sas", DateInZone},
    {"htmlDate", "a", HtmlDate},
    {"htmlDateInZone", "as", HtmlDateInZone},
    {"unixEpoch", "a", UnixEpoch},
    {"toDate", "ss", LenientToDate},
    {"mustToDate", "ss", MustToDate},
};

}  // namespace

std::span<const Function> TimeFunctions() { return kFunctions; }

}  // namespace haumea::text_template
