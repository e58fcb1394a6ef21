#include <array>
#include <cstdlib>

#include "data/datetime.h"
#include "data/zone.h"
#include "expr/fn_datetime_support.h"

namespace haumea::expr {

namespace {

template <typename Part>
Value PartOf(Args args, FunctionContext& ctx, Part part) noexcept {
    Value error;
    const std::optional<Moment> moment = ReadMoment(args[0], ctx, error);
    return moment ? part(ToCivil(*moment)) : error;
}

template <int CivilTime::* kField>
Value FieldOf(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx, [](const CivilTime& civil) { return Value::Int(civil.*kField); });
}

Value DayName(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx, [](const CivilTime& civil) { return Value::String(kDayNames[civil.weekday]); });
}
Value MonthName(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx,
                  [](const CivilTime& civil) { return Value::String(kMonthNames[civil.month - 1]); });
}
Value DayOfWeek(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx, [](const CivilTime& civil) { return Value::Int(civil.weekday + 1); });
}
Value Microsecond(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx, [](const CivilTime& civil) { return Value::Int(civil.nanos / 1000); });
}
Value LastDay(Args args, FunctionContext& ctx) noexcept {
    return PartOf(args, ctx, [&ctx](const CivilTime& civil) {
        return StringResult(ctx, fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month,
                                             DaysInMonth(civil.year, civil.month)));
    });
}

// Owned by the call site; holds the pattern of a literal.
struct PatternState final : FunctionState {
    explicit PatternState(TimePattern p) : pattern(std::move(p)) {}
    TimePattern pattern;
};

Result<std::unique_ptr<FunctionState>> PreparePattern(std::span<const Value> literals) {
    if (literals.size() > 1 && literals[1].is_string()) {
        if (auto pattern = TimePattern::Compile(literals[1].text())) {
            return std::make_unique<PatternState>(std::move(*pattern));
        }
    }
    return nullptr;  // a wrong pattern fails when it is used
}

Value FormatTime(Args args, FunctionContext& ctx) noexcept {
    Value error;
    const std::optional<Moment> moment = ReadMoment(args[0], ctx, error);
    if (!moment) {
        return error;
    }
    std::string out;
    if (ctx.state != nullptr) {
        static_cast<const PatternState&>(*ctx.state).pattern.Format(*moment, out);
        return StringResult(ctx, out);
    }
    const auto pattern = TimePattern::Compile(GoText(args[1], ctx.arena));
    if (!pattern) {
        return Value::Error(ctx.arena.Copy(pattern.error().message));
    }
    pattern->Format(*moment, out);
    return StringResult(ctx, out);
}

// One number with its unit at the front of a duration: `1.5h`.
bool TakeDurationPart(std::string_view& text, double& nanos) noexcept {
    struct Unit {
        std::string_view name;
        double nanos;
    };
    static constexpr std::array kUnits = {Unit{"ns", 1},   Unit{"us", 1e3},  Unit{"µs", 1e3},
                                          Unit{"μs", 1e3}, Unit{"ms", 1e6},  Unit{"s", 1e9},
                                          Unit{"m", 60e9}, Unit{"h", 3600e9}};
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::optional<double> number = ParseGoFloat(text.substr(0, digits));
    text.remove_prefix(digits);
    if (!number) {
        return false;
    }
    for (const Unit& unit : kUnits) {
        // "m" only where it is not "ms".
        if (text.starts_with(unit.name) &&
            (text.size() == unit.name.size() ||
             std::string_view("0123456789.").find(text[unit.name.size()]) != std::string_view::npos)) {
            nanos += *number * unit.nanos;
            text.remove_prefix(unit.name.size());
            return true;
        }
    }
    return false;
}

// Durations as Go writes them: `-1h30m`, `100ms`, `0`.
std::optional<int64_t> ParseDuration(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative || text.starts_with('+') ? 1 : 0);
    if (text == "0") {
        return 0;
    }
    double nanos = 0;
    do {
        if (!TakeDurationPart(text, nanos)) {
            return std::nullopt;
        }
    } while (!text.empty());
    return nanos < 9.2e18 ? std::optional(static_cast<int64_t>(negative ? -nanos : nanos)) : std::nullopt;
}

Value DateCalc(Args args, FunctionContext& ctx) noexcept {
    Value error;
    const std::optional<Moment> moment = ReadMoment(args[0], ctx, error);
    if (!moment) {
        return error;
    }
    const std::string_view text = GoText(args[1], ctx.arena);
    const std::optional<int64_t> nanos = ParseDuration(text);
    if (!nanos) {
        return ErrorOf(ctx, "time: invalid duration \"{}\"", text);
    }
    constexpr int64_t kSecond = 1'000'000'000;
    Moment result = *moment;
    int64_t fraction = result.nanos + *nanos % kSecond;
    result.seconds += *nanos / kSecond + (fraction < 0 ? -1 : fraction >= kSecond ? 1 : 0);
    fraction += fraction < 0 ? kSecond : fraction >= kSecond ? -kSecond : 0;
    result.nanos = static_cast<int32_t>(fraction);
    return DateTimeText(result, ctx);
}

// Whole days from the first to the second date.
Value DateDiff(Args args, FunctionContext& ctx) noexcept {
    Value error;
    const std::optional<Moment> from = ReadMoment(args[0], ctx, error);
    if (!from) {
        return error;
    }
    const std::optional<Moment> to = ReadMoment(args[1], ctx, error);
    if (!to) {
        return error;
    }
    int64_t seconds = to->seconds - from->seconds;
    // A fraction that is missing from the last second counts against it.
    if (seconds > 0 && to->nanos < from->nanos) {
        --seconds;
    } else if (seconds < 0 && to->nanos > from->nanos) {
        ++seconds;
    }
    return Value::Int(seconds / 86'400);
}

struct ZoneState final : FunctionState {
    explicit ZoneState(uint32_t z) : zone(z) {}
    uint32_t zone;
};

Result<std::unique_ptr<FunctionState>> PrepareZone(std::span<const Value> literals) {
    if (literals.size() > 1 && literals[1].is_string()) {
        if (const auto zone = FindZone(literals[1].text())) {
            return std::make_unique<ZoneState>(*zone);
        }
    }
    return nullptr;
}

Value ConvertTz(Args args, FunctionContext& ctx) noexcept {
    Value error;
    std::optional<Moment> moment = ReadMoment(args[0], ctx, error);
    if (!moment) {
        return error;
    }
    if (ctx.state != nullptr) {
        moment->zone = static_cast<const ZoneState&>(*ctx.state).zone;
    } else {
        const auto zone = FindZone(GoText(args[1], ctx.arena));
        if (!zone) {
            return Value::Error(ctx.arena.Copy(zone.error().message));
        }
        moment->zone = *zone;
    }
    const Value result = moment->ToValue();
    return result.is_missing() ? Value::Error("the time is out of the range of datetime") : result;
}

Value ToSeconds(Args args, FunctionContext& ctx) noexcept {
    Value error;
    const std::optional<Moment> moment = ReadMoment(args[0], ctx, error);
    return moment ? Value::Int(moment->seconds) : error;
}

void AddParts(FunctionRegistry& r) {
    struct Entry {
        std::string_view name;
        std::string_view signature;
        std::string_view doc;
        ScalarFunction function;
        std::vector<std::string_view> aliases = {};
    };
    const Entry entries[] = {
        {"day_name", "day_name(t)", "English name of the day of the week.", DayName},
        {"month_name", "month_name(t)", "English name of the month.", MonthName},
        {"day_of_month", "day_of_month(t)", "Day of the month, from 1.", FieldOf<&CivilTime::day>, {"day"}},
        {"day_of_week", "day_of_week(t)", "Day of the week: 1 is Sunday, 7 is Saturday.", DayOfWeek},
        {"day_of_year", "day_of_year(t)", "Day of the year, from 1.", FieldOf<&CivilTime::year_day>},
        {"hour", "hour(t)", "Hour, 0 to 23.", FieldOf<&CivilTime::hour>},
        {"minute", "minute(t)", "Minute, 0 to 59.", FieldOf<&CivilTime::minute>},
        {"second", "second(t)", "Second, 0 to 59.", FieldOf<&CivilTime::second>},
        {"microsecond", "microsecond(t)", "Microseconds of the second.", Microsecond},
        {"month", "month(t)", "Month, 1 to 12.", FieldOf<&CivilTime::month>},
        {"last_day", "last_day(t)", "Last day of the month as YYYY-MM-DD.", LastDay}};
    for (const Entry& entry : entries) {
        r.Add({.name = entry.name,
               .aliases = entry.aliases,
               .family = "datetime",
               .signature = entry.signature,
               .doc = entry.doc,
               .min_args = 1,
               .max_args = 1,
               .check = Kinds<'d'>,
               .pure = false,  // a time without date is today's
               .scalar = entry.function});
    }
}

}  // namespace

std::optional<Moment> ReadMoment(const Value& value, FunctionContext& ctx, Value& error) noexcept {
    if (value.type() == Type::kDatetime) {
        return Moment::FromValue(value);
    }
    if (value.is_number()) {
        if (const std::optional<int64_t> ms = ToInt(value, Casting::kSameKind)) {
            return Moment::FromEpochMs(*ms, DefaultZone());
        }
        error = ErrorOf(ctx, "{} ms is out of the range of times", GoText(value));
        return std::nullopt;
    }
    if (value.is_string()) {
        if (const std::optional<Moment> moment = ParseDatetime(value.text(), DefaultZone())) {
            return moment;
        }
    }
    error = ToDatetime(value, ctx.arena);
    return std::nullopt;
}

Value DateTimeText(const Moment& moment, FunctionContext& ctx) noexcept {
    const CivilTime civil = ToCivil(moment);
    return StringResult(ctx, fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", civil.year, civil.month,
                                         civil.day, civil.hour, civil.minute, civil.second));
}

void AddDatetimeFunctions(FunctionRegistry& r) {
    AddParts(r);
    r.Add({.name = "format_time",
           .family = "datetime",
           .signature = "format_time(t, pattern)",
           .doc = "The time written by a pattern such as YYYY-MM-dd HH:mm:ssSSS.",
           .example = R"(format_time(cast(1541152486013, "datetime"), "YYYY-MM-dd HH:mm:ssSSS"))",
           .example_result = R"("2018-11-02 09:54:46.013")",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'d', 's'>,
           .null_rule = NullRule::kNullIfAny,
           .pure = false,
           .scalar = OrNull<FormatTime>,
           .prepare = PreparePattern});
    r.Add({.name = "date_calc",
           .family = "datetime",
           .signature = "date_calc(t, duration)",
           .doc = "The time plus a duration such as -1h30m, as YYYY-MM-DD HH:mm:ss.",
           .example = R"(date_calc(cast("2019-01-15T10:20:30Z", "datetime"), "1h30m"))",
           .example_result = R"("2019-01-15 11:50:30")",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'d', 's'>,
           .pure = false,
           .scalar = DateCalc});
    r.Add({.name = "date_diff",
           .family = "datetime",
           .signature = "date_diff(from, to)",
           .doc = "Whole days from one time to another.",
           .example = R"(date_diff(cast("2020-02-15", "datetime"), cast("2020-03-01", "datetime")))",
           .example_result = "15",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'d', 'd'>,
           .pure = false,
           .scalar = DateDiff});
    r.Add({.name = "convert_tz",
           .family = "datetime",
           .signature = "convert_tz(t, zone)",
           .doc = "The same instant, shown in another time zone.",
           .example = R"(convert_tz(cast(1541152486013, "datetime"), "Asia/Shanghai"))",
           .example_result = R"("2018-11-02T17:54:46.013+08:00")",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'.', 's'>,
           .null_rule = NullRule::kNullIfAny,
           .pure = false,
           .scalar = OrNull<ConvertTz>,
           .prepare = PrepareZone});
    r.Add({.name = "to_seconds",
           .family = "datetime",
           .signature = "to_seconds(t)",
           .doc = "Seconds since 1970.",
           .example = R"(to_seconds("2020-02-15"))",
           .example_result = "1581724800",
           .min_args = 1,
           .max_args = 1,
           .null_rule = NullRule::kNullIfAny,
           .pure = false,
           .scalar = OrNull<ToSeconds>});
}

}  // namespace haumea::expr
