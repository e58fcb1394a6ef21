// Analytic functions: they look back at earlier rows. An operator below WHERE and windows runs each call once
// per row (ekuiper-sql §5.9).
#include <algorithm>
#include <cmath>
#include <vector>

#include "expr/analytic.h"
#include "expr/fn_support.h"

namespace haumea::expr {
namespace {

using Class = sql::FunctionClass;

// ---- lag ----

std::string CheckLag(const sql::CallExpr& call) {
    const size_t count = call.args.size();
    if (count < 1 || count > 4) {
        return fmt::format("expect one two or three args but got {}", count);
    }
    if (count >= 2) {
        const sql::Expr& index = *call.args[1];
        if (index.kind == sql::ExprKind::kColumn || index.kind == sql::ExprKind::kNumber ||
            index.kind == sql::ExprKind::kString || index.kind == sql::ExprKind::kTimeUnit ||
            sql::IsBooleanSyntax(index)) {
            return "Expect int type for parameter 2";
        }
        const auto* number = sql::As<sql::IntegerExpr>(&index);
        if (number != nullptr && number->value < 0) {
            return "the index should not be a nagtive integer";
        }
    }
    return count == 4 ? CheckKinds(call, "...b") : "";
}

// The last n values that counted. How many and the default are those of the first row.
class Lag final : public AnalyticState {
  public:
    Value Next(Args args, bool counts, FunctionContext& ctx) noexcept override {
        if (!begun_) {
            if (args.size() > 1) {
                constexpr int64_t kMost = 1'000'000;
                const Value& index = args[1];
                if (index.type() != Type::kInt || index.as_int() < 0 || index.as_int() > kMost) {
                    return ErrorOf(ctx, "the 2nd argument should be a whole number from 0 to {}, but is {}",
                                   kMost, GoText(index));
                }
                length_ = static_cast<size_t>(index.as_int());
            }
            if (args.size() > 2) {
                default_.Set(args[2]);
            }
            begun_ = true;
        }
        if (length_ == 0) {
            return Value::Null();
        }
        const bool full = values_.size() == length_;
        const Value result = CopyValue(full ? values_[next_].get() : default_.get(), ctx.arena);
        const bool ignore_null = args.size() < 4 || args[3].type() != Type::kBool || args[3].as_bool();
        if (counts && !(ignore_null && args[0].is_null())) {
            Remember(args[0], full);
        }
        return result;
    }
    size_t bytes() const noexcept override {
        return default_.bytes() + held_ + (values_.capacity() - values_.size()) * sizeof(OwnedValue);
    }

  private:
    void Remember(const Value& value, bool full) {
        if (!full) {
            values_.emplace_back();
            next_ = values_.size() - 1;
        } else {
            held_ -= values_[next_].bytes();
        }
        values_[next_].Set(value);
        held_ += values_[next_].bytes();
        next_ = values_.size() == length_ ? (next_ + 1) % length_ : 0;
    }

    std::vector<OwnedValue> values_;  // a ring once it is full
    OwnedValue default_;
    size_t held_ = 0;  // bytes of values_
    size_t next_ = 0;  // the oldest, when full
    size_t length_ = 1;
    bool begun_ = false;
};

// ---- latest ----

std::string CheckLatest(const sql::CallExpr& call) {
    const size_t count = call.args.size();
    return count < 1 || count > 2 ? fmt::format("expect one or two args but got {}", count) : "";
}

class Latest final : public AnalyticState {
  public:
    Value Next(Args args, bool counts, FunctionContext& ctx) noexcept override {
        if (counts && !args[0].is_null()) {
            value_.Set(args[0]);
            return args[0];
        }
        if (value_.get().is_null()) {
            return args.size() > 1 ? args[1] : Value::Null();
        }
        return CopyValue(value_.get(), ctx.arena);
    }
    size_t bytes() const noexcept override { return value_.bytes(); }

  private:
    OwnedValue value_;
};

// ---- changed_col, had_changed ----

bool IgnoresNull(const Value& flag) noexcept { return flag.type() == Type::kBool && flag.as_bool(); }

class ChangedCol final : public AnalyticState {
  public:
    Value Next(Args args, bool counts, FunctionContext&) noexcept override {
        const bool looks = counts && !(IgnoresNull(args[0]) && args[1].is_null());
        if (!looks || DeepEquals(args[1], value_.get())) {
            return Value::Null();
        }
        value_.Set(args[1]);
        return args[1];
    }
    size_t bytes() const noexcept override { return value_.bytes(); }

  private:
    OwnedValue value_;
};

std::string CheckHadChanged(const sql::CallExpr& call) {
    if (call.args.size() <= 1) {
        return fmt::format("expect more than one arg but got {}", call.args.size());
    }
    return CheckKinds(call, "b");
}

class HadChanged final : public AnalyticState {
  public:
    Value Next(Args args, bool counts, FunctionContext&) noexcept override {
        if (!counts) {
            return Value::Bool(false);
        }
        values_.resize(args.size() - 1);
        bool changed = false;
        for (size_t i = 0; i < values_.size(); ++i) {
            const Value& value = args[i + 1];
            if (!(IgnoresNull(args[0]) && value.is_null()) && !DeepEquals(value, values_[i].get())) {
                values_[i].Set(value);
                changed = true;
            }
        }
        return Value::Bool(changed);
    }
    size_t bytes() const noexcept override {
        size_t bytes = 0;
        for (const OwnedValue& value : values_) {
            bytes += value.bytes();
        }
        return bytes;
    }

  private:
    std::vector<OwnedValue> values_;
};

// ---- acc_* ----

std::string CheckAccumulate(const sql::CallExpr& call) {
    const size_t count = call.args.size();
    return count != 1 && count != 3 ? fmt::format("Expect 1/3 arguments but found {}.", count) : "";
}

enum class Accumulation : uint8_t { kSum, kAvg, kMax, kMin, kCount };

// Over the life of the rule, or, with three arguments, from the row for which the second is true to the one
// for which the third is.
template <Accumulation Kind>
class Accumulate final : public AnalyticState {
  public:
    Value Next(Args args, bool counts, FunctionContext& ctx) noexcept override {
        if (!counts) {
            return Result();
        }
        constexpr bool kSkipsNull = Kind == Accumulation::kSum || Kind == Accumulation::kCount;
        const Value& value = args[0];
        if (Kind != Accumulation::kCount && !value.is_number() && !(kSkipsNull && value.is_null())) {
            return Value::Error("the value should be number");
        }
        bool ends = false;
        if (args.size() == 3) {
            if (args[1].type() != Type::kBool || args[2].type() != Type::kBool) {
                return ErrorOf(ctx, "the 2nd and 3rd arguments should be boolean");
            }
            active_ = active_ || args[1].as_bool();
            ends = args[2].as_bool();
        } else {
            active_ = true;
        }
        if (active_ && !value.is_null()) {
            Add(value.number());
        }
        const Value result = Result();
        if (ends) {
            active_ = false;
            value_ = 0;
            count_ = 0;
        }
        return result;
    }

  private:
    void Add(double number) noexcept {
        const bool first = count_++ == 0;
        if constexpr (Kind == Accumulation::kMax) {
            value_ = first ? number : std::max(value_, number);
        } else if constexpr (Kind == Accumulation::kMin) {
            value_ = first ? number : std::min(value_, number);
        } else {
            value_ += number;
        }
    }
    Value Result() const noexcept {
        if constexpr (Kind == Accumulation::kCount) {
            return Value::Int(count_);
        }
        if (Kind == Accumulation::kAvg && count_ > 0) {
            return Value::Double(value_ / static_cast<double>(count_));
        }
        return Value::Double(value_);
    }

    double value_ = 0;
    int64_t count_ = 0;
    bool active_ = false;
};

// ---- table ----

template <typename State>
std::unique_ptr<AnalyticState> Make() {
    return std::make_unique<State>();
}

std::string CheckChangedCol(const sql::CallExpr& call) { return CheckKinds(call, "b"); }

}  // namespace

void AddAnalyticFunctions(FunctionRegistry& r) {
    const auto add = [&r](std::string_view name, int min_args, int max_args, CheckFunction check,
                          MakeAnalytic make, std::string_view signature, std::string_view doc) {
        r.Add({.name = name,
               .kind = Class::kAnalytic,
               .family = "analytic",
               .signature = signature,
               .doc = doc,
               .min_args = min_args,
               .max_args = max_args,
               .check = check,
               .pure = false,
               .analytic = make});
    };
    add("lag", 1, 4, CheckLag, Make<Lag>, "lag(x[, n[, default[, ignore_null]]])", "The value n events ago.");
    add("latest", 1, 2, CheckLatest, Make<Latest>, "latest(x[, default])",
        "The latest value that is not null.");
    add("changed_col", 2, 2, CheckChangedCol, Make<ChangedCol>, "changed_col(ignore_null, x)",
        "The value when it differs from the one before.");
    add("had_changed", 1, -1, CheckHadChanged, Make<HadChanged>, "had_changed(ignore_null, x, ...)",
        "Whether one of the values differs from the one before.");
    const auto accumulate = [&add](std::string_view name, MakeAnalytic make, std::string_view signature,
                                   std::string_view doc) {
        add(name, 1, 3, CheckAccumulate, make, signature, doc);
    };
    accumulate("acc_sum", Make<Accumulate<Accumulation::kSum>>, "acc_sum(x[, begin, reset])", "Running sum.");
    accumulate("acc_avg", Make<Accumulate<Accumulation::kAvg>>, "acc_avg(x[, begin, reset])",
               "Running mean.");
    accumulate("acc_max", Make<Accumulate<Accumulation::kMax>>, "acc_max(x[, begin, reset])",
               "Running maximum.");
    accumulate("acc_min", Make<Accumulate<Accumulation::kMin>>, "acc_min(x[, begin, reset])",
               "Running minimum.");
    accumulate("acc_count", Make<Accumulate<Accumulation::kCount>>, "acc_count(x[, begin, reset])",
               "Running count of values that are not null.");
}

}  // namespace haumea::expr
