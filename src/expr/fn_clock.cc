#include "data/zone.h"
#include "expr/fn_datetime_support.h"

namespace haumea::expr {

namespace {

CivilTime Now(FunctionContext& ctx) noexcept {
    return ToCivil(Moment::FromEpochMs(ctx.clock.NowMs(), DefaultZone()));
}

std::string DateOf(const CivilTime& civil) {
    return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

// With as many digits of the second as the argument says, none without one.
std::string TimeOf(const CivilTime& civil, int64_t digits) {
    std::string text = fmt::format("{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second);
    if (digits > 0) {
        text += '.' + fmt::format("{:09}", civil.nanos).substr(0, static_cast<size_t>(digits));
    }
    return text;
}

template <bool kDate>
Value CurrentTime(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> digits = args.empty() ? 0 : ToInt(args[0], Casting::kStrict);
    if (!digits || *digits < 0 || *digits > 6) {
        return ErrorOf(ctx, "the precision should be 0 to 6 but is {}", GoText(args[0]));
    }
    const CivilTime civil = Now(ctx);
    return StringResult(ctx, kDate ? DateOf(civil) + ' ' + TimeOf(civil, *digits) : TimeOf(civil, *digits));
}

Value CurrentDate(Args, FunctionContext& ctx) noexcept { return StringResult(ctx, DateOf(Now(ctx))); }

Value Timestamp(Args, FunctionContext& ctx) noexcept { return Value::Int(ctx.clock.NowMs()); }

Value FromUnixTime(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> seconds = ToInt(args[0], Casting::kStrict);
    if (!seconds) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[0], "int")));
    }
    return *seconds == 0 ? Value::Null() : DateTimeText({*seconds, 0, DefaultZone()}, ctx);
}

// Day 1 is 1970-01-01. Counts in 64-bit nanoseconds, as eKuiper does: it wraps around after about 106
// thousand days.
Value FromDays(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> days = ToInt(args[0], Casting::kStrict);
    if (!days) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[0], "int")));
    }
    if (*days == 0) {
        return Value::Null();
    }
    constexpr uint64_t kDayNanos = uint64_t{86'400} * 1'000'000'000;
    const auto nanos = static_cast<int64_t>((static_cast<uint64_t>(*days) - 1) * kDayNanos);
    return StringResult(ctx, DateOf(ToCivil(Moment::FromValue(Value::Datetime(nanos)))));
}

std::string CheckPrecision(const sql::CallExpr& call) { return CheckKinds(call, "i"); }

FunctionDescriptor Clocked(std::string_view name, std::string_view signature, std::string_view doc,
                           int max_args, ScalarFunction function, std::vector<std::string_view> aliases) {
    return {.name = name,
            .aliases = std::move(aliases),
            .family = "datetime",
            .signature = signature,
            .doc = doc,
            .min_args = 0,
            .max_args = max_args,
            .check = CheckPrecision,
            .pure = false,
            .scalar = function};
}

}  // namespace

void AddClockFunctions(FunctionRegistry& r) {
    r.Add(Clocked("now", "now([digits])", "The current time as YYYY-MM-DD HH:mm:ss.", 1, CurrentTime<true>,
                  {"current_timestamp", "local_time", "local_timestamp"}));
    r.Add(Clocked("cur_date", "cur_date()", "Today as YYYY-MM-DD.", 0, CurrentDate, {"current_date"}));
    r.Add(Clocked("cur_time", "cur_time([digits])", "The current time of day as HH:mm:ss.", 1,
                  CurrentTime<false>, {"current_time"}));
    r.Add(Clocked("tstamp", "tstamp()", "The current time in milliseconds since 1970.", 0, Timestamp, {}));
    r.Add({.name = "from_unix_time",
           .family = "datetime",
           .signature = "from_unix_time(seconds)",
           .doc = "Seconds since 1970 as YYYY-MM-DD HH:mm:ss.",
           .min_args = 1,
           .max_args = 1,
           .check = Kinds<'n'>,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<FromUnixTime>});
    r.Add({.name = "from_days",
           .family = "datetime",
           .signature = "from_days(n)",
           .doc = "The date of day n; day 1 is 1970-01-01.",
           .example = "from_days(7)",
           .example_result = R"("1970-01-07")",
           .min_args = 1,
           .max_args = 1,
           .check = Kinds<'n'>,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<FromDays>});
}

}  // namespace haumea::expr
