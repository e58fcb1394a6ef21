#include "data/datetime_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "data/zone.h"

namespace haumea {

namespace {

bool IsLower(std::string_view text, size_t i) { return i < text.size() && text[i] >= 'a' && text[i] <= 'z'; }
bool IsDigit(std::string_view text, size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; }

void AppendPadded(std::string& out, int64_t value, size_t width) {
    if (value < 0) {
        out += '-';
        value = -value;
    }
    const std::string digits = std::to_string(value);
    out.append(digits.size() < width ? width - digits.size() : 0, '0');
    out += digits;
}

void AppendOffset(std::string& out, int32_t seconds, bool colon, bool minutes, bool with_seconds) {
    out += seconds < 0 ? '-' : '+';
    const int32_t magnitude = std::abs(seconds);
    AppendPadded(out, magnitude / 3600, 2);
    if (minutes) {
        out += colon ? ":" : "";
        AppendPadded(out, magnitude / 60 % 60, 2);
    }
    if (with_seconds) {
        out += colon ? ":" : "";
        AppendPadded(out, magnitude % 60, 2);
    }
}

void AppendFraction(std::string& out, int nanos, size_t digits, char point, bool trim) {
    std::string text = fmt::format("{:09}", nanos).substr(0, digits);
    if (trim) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.empty()) {
            return;
        }
    }
    out += point;
    out += text;
}

std::string_view Short(std::string_view name) { return name.substr(0, 3); }

}  // namespace

void DateLayout::AddLiteral(std::string_view text) {
    if (chunks_.empty() || chunks_.back().part != Part::kLiteral) {
        chunks_.emplace_back();
    }
    chunks_.back().literal += text;
}

void DateLayout::AddOffset(bool zulu, bool colon, bool minutes, bool seconds) {
    chunks_.push_back(
        {.part = Part::kOffset, .colon = colon, .minutes = minutes, .seconds = seconds, .zulu = zulu});
}

void DateLayout::AddFraction(Part part, size_t digits, char point) {
    chunks_.push_back(
        {.part = part, .digits = static_cast<uint8_t>(digits > 9 ? 9 : digits), .point = point});
}

size_t DateLayout::AddGoOffset(std::string_view rest) {
    const bool zulu = rest[0] == 'Z';
    const std::string_view shape = rest.substr(1);
    struct Form {
        std::string_view text;
        bool colon;
        bool minutes;
        bool seconds;
    };
    for (const Form& form : {Form{"07:00:00", true, true, true}, Form{"070000", false, true, true},
                             Form{"07:00", true, true, false}, Form{"0700", false, true, false},
                             Form{"07", false, false, false}}) {
        if (shape.starts_with(form.text)) {
            AddOffset(zulu, form.colon, form.minutes, form.seconds);
            return 1 + form.text.size();
        }
    }
    return 0;
}

size_t DateLayout::AddGoPart(std::string_view rest) {
    struct Form {
        std::string_view text;
        Part part;
        bool not_before_lower = false;
    };
    // Longer forms first.
    static constexpr Form kForms[] = {{"January", Part::kMonthLong},
                                      {"Jan", Part::kMonthShort, true},
                                      {"Monday", Part::kWeekdayLong},
                                      {"Mon", Part::kWeekdayShort, true},
                                      {"MST", Part::kZoneName},
                                      {"2006", Part::kYear4},
                                      {"002", Part::kYearDay},
                                      {"01", Part::kMonth2},
                                      {"02", Part::kDay2},
                                      {"03", Part::kHour12Two},
                                      {"04", Part::kMinute2},
                                      {"05", Part::kSecond2},
                                      {"06", Part::kYear2},
                                      {"15", Part::kHour},
                                      {"_2", Part::kDaySpace},
                                      {"PM", Part::kUpperMeridiem},
                                      {"pm", Part::kLowerMeridiem},
                                      {"1", Part::kMonth},
                                      {"2", Part::kDay},
                                      {"3", Part::kHour12},
                                      {"4", Part::kMinute},
                                      {"5", Part::kSecond}};
    if (rest.starts_with("_2006")) {
        AddLiteral("_");
        Add(Part::kYear4);
        return 5;
    }
    for (const Form& form : kForms) {
        if (rest.starts_with(form.text) && !(form.not_before_lower && IsLower(rest, form.text.size()))) {
            Add(form.part);
            return form.text.size();
        }
    }
    if (rest[0] == '-' || rest[0] == 'Z') {
        return AddGoOffset(rest);
    }
    if ((rest[0] == '.' || rest[0] == ',') && rest.size() > 1 && (rest[1] == '0' || rest[1] == '9')) {
        size_t end = 1;
        while (end < rest.size() && rest[end] == rest[1]) {
            ++end;
        }
        if (!IsDigit(rest, end)) {
            AddFraction(rest[1] == '0' ? Part::kFraction : Part::kFractionTrimmed, end - 1, rest[0]);
            return end;
        }
    }
    return 0;
}

DateLayout DateLayout::FromGo(std::string_view layout) {
    DateLayout result;
    while (!layout.empty()) {
        size_t taken = result.AddGoPart(layout);
        if (taken == 0) {
            result.AddLiteral(layout.substr(0, 1));
            taken = 1;
        }
        layout.remove_prefix(taken);
    }
    return result;
}

Result<void> DateLayout::AddPatternLetters(char letter, std::string_view run) {
    const auto fail = [&](char name) { return Failf("invalid time format {} for {}", run, name); };
    const size_t n = run.size();
    switch (letter) {
        case 'Y':
        case 'y':
            if (n != 2 && n != 4) {
                return Failf("invalid time format {} for Y/y", run);
            }
            Add(n == 4 ? Part::kYear4 : Part::kYear2);
            return {};
        case 'M': {
            constexpr Part kParts[] = {Part::kMonth, Part::kMonth2, Part::kMonthShort, Part::kMonthLong};
            if (n > 4) {
                return fail('M');
            }
            Add(kParts[n - 1]);
            return {};
        }
        case 'E':
            if (n != 3 && n != 4) {
                return fail('E');
            }
            Add(n == 3 ? Part::kWeekdayShort : Part::kWeekdayLong);
            return {};
        case 'H':
            if (n != 2) {
                return Failf("invalid time format {} of H, only HH is supported", run);
            }
            Add(Part::kHour);
            return {};
        case 'd':
        case 'h':
        case 'm':
        case 's': {
            if (n > 2) {
                return fail(letter);
            }
            const bool two = n == 2;
            Add(letter == 'd'   ? (two ? Part::kDay2 : Part::kDay)
                : letter == 'h' ? (two ? Part::kHour12Two : Part::kHour12)
                : letter == 'm' ? (two ? Part::kMinute2 : Part::kMinute)
                                : (two ? Part::kSecond2 : Part::kSecond));
            return {};
        }
        case 'S':
            AddFraction(Part::kFraction, n, '.');
            return {};
        case 'X':
            if (n > 3) {
                return fail('X');
            }
            AddOffset(false, n == 3, n > 1, false);
            return {};
        default:
            for (size_t i = 0; i < n; ++i) {
                if (letter == 'a') {
                    Add(Part::kUpperMeridiem);
                } else if (letter == 'G') {
                    AddLiteral("AD");
                } else if (letter == 'z') {
                    Add(Part::kZoneName);
                } else {
                    AddOffset(false, false, true, false);
                }
            }
            return {};
    }
}

Result<DateLayout> DateLayout::FromPattern(std::string_view pattern) {
    constexpr std::string_view kLetters = "YyMEHdhmsSXaGzZ";
    DateLayout result;
    for (size_t i = 0; i < pattern.size();) {
        const char c = pattern[i];
        if (kLetters.find(c) != std::string_view::npos) {
            size_t end = i + 1;
            // Y and y are the same letter.
            while (end < pattern.size() &&
                   (pattern[end] == c || ((c | 0x20) == 'y' && (pattern[end] | 0x20) == 'y'))) {
                ++end;
            }
            HAUMEA_TRY_VOID(result.AddPatternLetters(c, pattern.substr(i, end - i)));
            i = end;
        } else if (c == '\\' && i + 1 < pattern.size()) {
            result.AddLiteral(pattern.substr(i + 1, 1));
            i += 2;
        } else if (c == '\'' && pattern.substr(i + 1).starts_with('\'')) {
            result.AddLiteral("'");
            i += 2;
        } else if (c == '\'') {
            const size_t end = std::min(pattern.find('\'', i + 1), pattern.size());
            result.AddLiteral(pattern.substr(i + 1, end - i - 1));
            i = end + 1;
        } else {
            result.AddLiteral(pattern.substr(i, 1));
            ++i;
        }
    }
    return result;
}

void DateLayout::Format(const Moment& moment, std::string& out) const {
    const CivilTime civil = ToCivil(moment);
    const ZoneOffset zone = OffsetAt(moment.zone, moment.seconds);
    const int hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12;
    for (const Chunk& chunk : chunks_) {
        switch (chunk.part) {
            case Part::kLiteral:
                out += chunk.literal;
                break;
            case Part::kYear2:
                AppendPadded(out, std::abs(civil.year % 100), 2);
                break;
            case Part::kYear4:
                AppendPadded(out, civil.year, 4);
                break;
            case Part::kMonth:
            case Part::kMonth2:
                AppendPadded(out, civil.month, chunk.part == Part::kMonth2 ? 2 : 1);
                break;
            case Part::kMonthShort:
                out += Short(kMonthNames[civil.month - 1]);
                break;
            case Part::kMonthLong:
                out += kMonthNames[civil.month - 1];
                break;
            case Part::kDay:
            case Part::kDay2:
                AppendPadded(out, civil.day, chunk.part == Part::kDay2 ? 2 : 1);
                break;
            case Part::kDaySpace:
                out += civil.day < 10 ? " " : "";
                AppendPadded(out, civil.day, 1);
                break;
            case Part::kYearDay:
                AppendPadded(out, civil.year_day, 3);
                break;
            case Part::kWeekdayShort:
                out += Short(kDayNames[civil.weekday]);
                break;
            case Part::kWeekdayLong:
                out += kDayNames[civil.weekday];
                break;
            case Part::kHour:
                AppendPadded(out, civil.hour, 2);
                break;
            case Part::kHour12:
            case Part::kHour12Two:
                AppendPadded(out, hour12, chunk.part == Part::kHour12Two ? 2 : 1);
                break;
            case Part::kMinute:
            case Part::kMinute2:
                AppendPadded(out, civil.minute, chunk.part == Part::kMinute2 ? 2 : 1);
                break;
            case Part::kSecond:
            case Part::kSecond2:
                AppendPadded(out, civil.second, chunk.part == Part::kSecond2 ? 2 : 1);
                break;
            case Part::kFraction:
            case Part::kFractionTrimmed:
                AppendFraction(out, civil.nanos, chunk.digits, chunk.point,
                               chunk.part == Part::kFractionTrimmed);
                break;
            case Part::kUpperMeridiem:
                out += civil.hour >= 12 ? "PM" : "AM";
                break;
            case Part::kLowerMeridiem:
                out += civil.hour >= 12 ? "pm" : "am";
                break;
            case Part::kZoneName:
                if (zone.abbreviation[0] != '\0') {
                    out += zone.abbreviation;
                } else {
                    AppendOffset(out, zone.seconds, false, true, false);
                }
                break;
            case Part::kOffset:
                if (chunk.zulu && zone.seconds == 0) {
                    out += 'Z';
                } else {
                    AppendOffset(out, zone.seconds, chunk.colon, chunk.minutes, chunk.seconds);
                }
                break;
        }
    }
}

}  // namespace haumea
