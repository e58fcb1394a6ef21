#include <algorithm>
#include <cmath>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

// The numbers of a column in the arena, without nulls; `error` when something else is among them.
struct Sample {
    std::span<double> values;
    Value error;

    Sample(std::span<const Value> column, FunctionContext& ctx) noexcept {
        auto* numbers = ctx.arena.AllocateArray<double>(column.size());
        size_t count = 0;
        for (const Value& value : column) {
            if (value.is_number()) {
                numbers[count++] = value.number();
            } else if (!value.is_null()) {
                error = ErrorOf(ctx, "requires float64 slice but found {}", GoTyped(Value::Array(column)));
                return;
            }
        }
        values = {numbers, count};
    }
    // Nothing to calculate with: the result, an error or null.
    bool unusable() const noexcept { return error.is_error() || values.empty(); }
    Value Reason() const noexcept { return error.is_error() ? error : Value::Null(); }
};

double Mean(std::span<const double> values) noexcept {
    double sum = 0;
    for (const double v : values) {
        sum += v;
    }
    return sum / static_cast<double>(values.size());
}

// Of one value alone, the variance of a sample is NaN.
double Variance(std::span<const double> values, double divisor) noexcept {
    const double mean = Mean(values);
    double sum = 0;
    for (const double v : values) {
        sum += (v - mean) * (v - mean);
    }
    return sum / divisor;
}

template <bool kSample, bool kRoot>
Value Spread(Columns args, FunctionContext& ctx) noexcept {
    const Sample sample(args[0], ctx);
    if (sample.unusable()) {
        return sample.Reason();
    }
    const double variance =
        Variance(sample.values, static_cast<double>(sample.values.size()) - (kSample ? 1 : 0));
    return Value::Double(kRoot ? std::sqrt(variance) : variance);
}

// Not-a-number comes first, as in Go's sort.Float64s: `<` alone would be no order.
void Sort(std::span<double> values) noexcept {
    std::sort(values.begin(), values.end(),
              [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); });
}

// The first value decides whether integers or floats are meant, so it must not be null.
Value Median(Columns args, FunctionContext& ctx) noexcept {
    const auto column = args[0];
    if (column.empty()) {
        return Value::Null();
    }
    if (!column[0].is_number()) {
        return ErrorOf(ctx, "{} should be number", GoText(column[0]));
    }
    const Sample sample(column, ctx);
    if (sample.unusable()) {
        return sample.Reason();
    }
    const bool whole = column[0].type() == Type::kInt;
    const std::span<double> values = sample.values;
    const size_t middle = values.size() / 2;
    Sort(values);
    if (values.size() % 2 == 1) {
        return whole && std::fabs(values[middle]) < 9.2e18 ? Value::Int(static_cast<int64_t>(values[middle]))
                                                           : Value::Double(values[middle]);
    }
    return Value::Double((values[middle - 1] + values[middle]) / 2);
}

constexpr std::string_view kOutOfRange = "percentile exec with error: Input is outside of range.";

// The mean of two neighbours where the rank is no whole number; no interpolation.
Value PercentileCont(std::span<const double> sorted, double p) noexcept {
    const auto count = static_cast<double>(sorted.size());
    if (sorted.size() == 1) {
        return Value::Double(sorted[0]);
    }
    if (!(p > 0 && p <= 1)) {
        return Value::Error(kOutOfRange);
    }
    const double rank = p * 100 / 100 * count;
    if (rank < 1) {
        return Value::Error(kOutOfRange);
    }
    const auto index = static_cast<size_t>(rank);
    if (rank == static_cast<double>(index) || index >= sorted.size()) {
        return Value::Double(sorted[index - 1]);
    }
    return Value::Double((sorted[index - 1] + sorted[index]) / 2);
}

Value PercentileDisc(std::span<const double> sorted, double p) noexcept {
    if (!(p >= 0 && p <= 1)) {
        return Value::Error(kOutOfRange);
    }
    const auto rank = static_cast<size_t>(std::ceil(static_cast<double>(sorted.size()) * (p * 100) / 100));
    return Value::Double(sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1]);
}

template <Value (*F)(std::span<const double>, double) noexcept>
Value Percentile(Columns args, FunctionContext& ctx) noexcept {
    const Sample sample(args[0], ctx);
    if (sample.unusable()) {
        return sample.Reason();
    }
    if (!args[1][0].is_number()) {
        return ErrorOf(ctx, "the second parameter requires float64 but found {}",
                       GoTyped(Value::Array(args[1])));
    }
    Sort(sample.values);
    return F(sample.values, args[1][0].number());
}

FunctionDescriptor Statistic(std::string_view name, std::string_view signature, std::string_view doc,
                             int arity, AggregateFunction function) {
    return FixedAggregate(name, signature, doc, arity, function, arity == 2 ? Kinds<'n', 'n'> : Kinds<'n'>);
}

}  // namespace

void AddStatisticAggregates(FunctionRegistry& r) {
    r.Add(Statistic("median", "median(x)", "The middle number; the mean of the two middle ones.", 1, Median));
    r.Add(Statistic("stddev", "stddev(x)", "Standard deviation of a population.", 1, Spread<false, true>));
    r.Add(Statistic("stddevs", "stddevs(x)", "Standard deviation of a sample.", 1, Spread<true, true>));
    r.Add(Statistic("var", "var(x)", "Variance of a population.", 1, Spread<false, false>));
    r.Add(Statistic("vars", "vars(x)", "Variance of a sample.", 1, Spread<true, false>));
    r.Add(Statistic("percentile_cont", "percentile_cont(x, p)",
                    "Value below which the share p (0 to 1) lies; between two values their mean.", 2,
                    Percentile<PercentileCont>));
    r.Add(Statistic("percentile_disc", "percentile_disc(x, p)",
                    "The smallest value of the column with at least the share p (0 to 1) up to it.", 2,
                    Percentile<PercentileDisc>));
}

}  // namespace haumea::expr
