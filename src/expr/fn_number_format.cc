#include <array>
#include <cmath>
#include <cstdio>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

constexpr std::string_view kNoBreakSpace = "\u00a0";

// How a language or region writes numbers.
struct NumberStyle {
    std::string_view locale;  // "de", or "de_CH" where a region differs
    std::string_view group;
    std::string_view point;
    int upper_group = 3;  // digits of the groups above the first
    int min_digits = 4;   // grouping starts with as many integer digits
};
constexpr std::array kStyles = {NumberStyle{"de_CH", "’", "."},
                                NumberStyle{"de_LI", "’", "."},
                                NumberStyle{"de_AT", kNoBreakSpace, ","},
                                NumberStyle{"en_ZA", kNoBreakSpace, ","},
                                NumberStyle{"en_IN", ",", ".", 2},
                                NumberStyle{"es_MX", ",", "."},
                                NumberStyle{"es_US", ",", "."},
                                NumberStyle{"pt_PT", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"fr_CH", kNoBreakSpace, ","},
                                NumberStyle{"it_CH", "’", "."},
                                NumberStyle{"ar", ",", "."},
                                NumberStyle{"bg", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"ca", ".", ","},
                                NumberStyle{"cs", kNoBreakSpace, ","},
                                NumberStyle{"da", ".", ","},
                                NumberStyle{"de", ".", ","},
                                NumberStyle{"el", ".", ","},
                                NumberStyle{"en", ",", "."},
                                NumberStyle{"es", ".", ",", 3, 5},
                                NumberStyle{"et", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"fi", kNoBreakSpace, ","},
                                NumberStyle{"fr", kNoBreakSpace, ","},
                                NumberStyle{"he", ",", "."},
                                NumberStyle{"hi", ",", ".", 2},
                                NumberStyle{"hr", ".", ","},
                                NumberStyle{"hu", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"id", ".", ","},
                                NumberStyle{"it", ".", ",", 3, 5},
                                NumberStyle{"ja", ",", "."},
                                NumberStyle{"ko", ",", "."},
                                NumberStyle{"lt", kNoBreakSpace, ","},
                                NumberStyle{"lv", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"ms", ",", "."},
                                NumberStyle{"nb", kNoBreakSpace, ","},
                                NumberStyle{"nl", ".", ","},
                                NumberStyle{"no", kNoBreakSpace, ","},
                                NumberStyle{"pl", kNoBreakSpace, ",", 3, 5},
                                NumberStyle{"pt", ".", ","},
                                NumberStyle{"ro", ".", ","},
                                NumberStyle{"ru", kNoBreakSpace, ","},
                                NumberStyle{"sk", kNoBreakSpace, ","},
                                NumberStyle{"sl", ".", ","},
                                NumberStyle{"sr", ".", ","},
                                NumberStyle{"sv", kNoBreakSpace, ","},
                                NumberStyle{"th", ",", "."},
                                NumberStyle{"tr", ".", ","},
                                NumberStyle{"uk", kNoBreakSpace, ","},
                                NumberStyle{"vi", ".", ","},
                                NumberStyle{"zh", ",", "."}};

// A language with its country, as in en_US.
const NumberStyle* FindStyle(std::string_view locale) {
    std::string name(locale);
    for (char& c : name) {
        c = c == '-' ? '_' : c;
    }
    const size_t separator = name.find('_');
    if (separator == std::string::npos || separator + 1 == name.size()) {
        return nullptr;
    }
    const std::string_view language = std::string_view(name).substr(0, separator);
    for (const NumberStyle& style : kStyles) {
        if (style.locale == name || style.locale == language) {
            return &style;
        }
    }
    return nullptr;
}

std::string Group(std::string_view digits, const NumberStyle& style) {
    if (digits.size() < static_cast<size_t>(style.min_digits)) {
        return std::string(digits);
    }
    std::string out;
    for (size_t i = 0; i < digits.size(); ++i) {
        const size_t left = digits.size() - i;
        const bool boundary = left >= 3 && (left - 3) % static_cast<size_t>(style.upper_group) == 0;
        if (i > 0 && boundary) {
            out += style.group;
        }
        out += digits[i];
    }
    return out;
}

// Halves go to the even digit: the exact decimal value of the double decides.
Value Format(Args args, FunctionContext& ctx) noexcept {
    constexpr int64_t kMaxPlaces = 100;
    const double number = args[0].is_number() ? args[0].number() : 0;
    const int64_t places = ToInt(args[1], Casting::kSameKind).value_or(0);
    if (places < 0 || places > kMaxPlaces) {
        return ErrorOf(ctx, "the number of decimal places should be 0 to {} but is {}", kMaxPlaces, places);
    }
    if (!std::isfinite(number)) {
        return StringResult(ctx, GoText(Value::Double(number)));
    }
    char text[512];
    const int length = std::snprintf(text, sizeof(text), "%.*f", static_cast<int>(places), number);
    const std::string_view plain(text, static_cast<size_t>(length));
    if (args.size() < 3) {
        return StringResult(ctx, plain);
    }
    const std::string_view locale = GoText(args[2], ctx.arena);
    const NumberStyle* style = FindStyle(locale);
    if (style == nullptr) {
        return ErrorOf(ctx, "not support for the specific locale:{}", locale);
    }
    const size_t sign = plain.starts_with('-') ? 1 : 0;
    const size_t point = std::min(plain.find('.'), plain.size());
    std::string out(plain.substr(0, sign));
    out += Group(plain.substr(sign, point - sign), *style);
    if (point < plain.size()) {
        out += style->point;
        out += plain.substr(point + 1);
    }
    return StringResult(ctx, out);
}

std::string CheckFormat(const sql::CallExpr& call) {
    if (call.args.size() < 2) {
        return fmt::format("At least has 2 argument but found {}.", call.args.size());
    }
    if (call.args[1]->kind != sql::ExprKind::kInteger) {
        return "Expect integer type for parameter 2";
    }
    if (call.args.size() > 2 && call.args[2]->kind != sql::ExprKind::kString) {
        return "Expect string type for parameter 3";
    }
    return {};
}

}  // namespace

void AddNumberFormatFunctions(FunctionRegistry& r) {
    r.Add({.name = "format",
           .family = "string",
           .signature = "format(number, places[, locale])",
           .doc = "The number with so many decimal places; with a locale such as en_US also in groups.",
           .example = R"(format(12332.1234567, 4, "en_US"))",
           .example_result = R"("12,332.1235")",
           .min_args = 2,
           .max_args = 3,
           .check = CheckFormat,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<Format>});
}

}  // namespace haumea::expr
