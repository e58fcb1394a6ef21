// Reading texts by a layout.
#include <algorithm>
#include <charconv>

#include "data/datetime_layout.h"
#include "data/zone.h"

namespace haumea {

namespace {

constexpr int64_t kDaySeconds = 86'400;

bool IsDigit(std::string_view text, size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; }

// The first `n` characters as a number; they must all be digits.
std::optional<int> TakeDigits(std::string_view& text, size_t n) {
    int value = 0;
    if (text.size() < n) {
        return std::nullopt;
    }
    for (size_t i = 0; i < n; ++i) {
        if (!IsDigit(text, i)) {
            return std::nullopt;
        }
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(n);
    return value;
}

// One or two digits; `fixed`: two.
std::optional<int> TakeNumber(std::string_view& text, bool fixed) {
    if (!IsDigit(text, 0) || (fixed && !IsDigit(text, 1))) {
        return std::nullopt;
    }
    return TakeDigits(text, IsDigit(text, 1) ? 2 : 1);
}

bool StartsIgnoringCase(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

// Index of the name (or of its first three letters) at the front of `text`.
std::optional<int> TakeName(std::string_view& text, const std::string_view* names, size_t count,
                            bool three_letters) {
    for (size_t i = 0; i < count; ++i) {
        const std::string_view name = three_letters ? names[i].substr(0, 3) : names[i];
        if (StartsIgnoringCase(text, name)) {
            text.remove_prefix(name.size());
            return static_cast<int>(i);
        }
    }
    return std::nullopt;
}

// Point and digits; `n` digits at least are there.
int TakeFraction(std::string_view& text, size_t n) {
    int nanos = 0;
    for (size_t i = 1; i <= 9; ++i) {
        nanos = nanos * 10 + (i <= n ? text[i] - '0' : 0);
    }
    text.remove_prefix(n + 1);
    return nanos;
}

size_t CountFractionDigits(std::string_view text) {
    size_t n = 0;
    if (!text.empty() && (text[0] == '.' || text[0] == ',')) {
        while (IsDigit(text, n + 1)) {
            ++n;
        }
    }
    return n;
}

// A run of spaces in the layout matches any run of spaces, also none at the end.
bool TakeLiteral(std::string_view& text, std::string_view literal) {
    const auto skip_spaces = [](std::string_view& s) {
        s.remove_prefix(std::min(s.find_first_not_of(' '), s.size()));
    };
    while (!literal.empty()) {
        if (literal[0] == ' ') {
            if (!text.empty() && text[0] != ' ') {
                return false;
            }
            skip_spaces(literal);
            skip_spaces(text);
            continue;
        }
        if (text.empty() || text[0] != literal[0]) {
            return false;
        }
        literal.remove_prefix(1);
        text.remove_prefix(1);
    }
    return true;
}

// Length of a zone abbreviation: three to five capitals, the longer ones ending in T; GMT with an hour.
size_t ZoneNameLength(std::string_view text) {
    if (text.starts_with("ChST") || text.starts_with("MeST") || text.starts_with("WITA")) {
        return 4;
    }
    if (text.starts_with("GMT")) {
        size_t n = 3;
        if (n < text.size() && (text[n] == '+' || text[n] == '-') && IsDigit(text, n + 1)) {
            n += IsDigit(text, n + 2) ? 3 : 2;
        }
        return n;
    }
    size_t n = 0;
    while (n < 6 && n < text.size() && text[n] >= 'A' && text[n] <= 'Z') {
        ++n;
    }
    return n == 3 || ((n == 4 || n == 5) && text[n - 1] == 'T') ? n : 0;
}

}  // namespace

// What the parts have told so far.
struct DateLayout::Reading {
    int64_t year = 0;
    int month = -1;
    int day = -1;
    int year_day = -1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int nanos = 0;
    bool pm = false;
    bool am = false;
    std::optional<int32_t> offset;
    std::string_view zone_name;

    bool Set(int& field, std::optional<int> value, int low, int high) const {
        if (!value || *value < low || *value > high) {
            return false;
        }
        field = *value;
        return true;
    }
    bool ReadMeridiem(std::string_view& text, std::string_view am_text, std::string_view pm_text) {
        pm = text.starts_with(pm_text);
        am = text.starts_with(am_text);
        if (!pm && !am) {
            return false;
        }
        text.remove_prefix(2);
        return true;
    }
    bool ReadZoneName(std::string_view& text) {
        if (text.starts_with("UTC")) {
            offset = 0;
            text.remove_prefix(3);
            return true;
        }
        const size_t length = ZoneNameLength(text);
        zone_name = text.substr(0, length);
        text.remove_prefix(length);
        return length > 0;
    }
    bool ReadOffset(std::string_view& text, const Chunk& chunk) {
        if (chunk.zulu && text.starts_with('Z')) {
            offset = 0;
            text.remove_prefix(1);
            return true;
        }
        if (text.empty() || (text[0] != '+' && text[0] != '-')) {
            return false;
        }
        const int sign = text[0] == '-' ? -1 : 1;
        text.remove_prefix(1);
        int fields[3] = {0, 0, 0};
        const int count = 1 + (chunk.minutes ? 1 : 0) + (chunk.seconds ? 1 : 0);
        for (int i = 0; i < count; ++i) {
            if (i > 0 && chunk.colon) {
                if (!text.starts_with(':')) {
                    return false;
                }
                text.remove_prefix(1);
            }
            if (!Set(fields[i], TakeDigits(text, 2), 0, i == 0 ? 24 : 60)) {
                return false;
            }
        }
        offset = sign * (fields[0] * 3600 + fields[1] * 60 + fields[2]);
        return true;
    }
    std::optional<Moment> Finish(uint32_t zone);
};

std::optional<Moment> DateLayout::Reading::Finish(uint32_t zone) {
    if (pm && hour < 12) {
        hour += 12;
    } else if (am && hour == 12) {
        hour = 0;
    }
    if (year_day > 0 && month < 0) {
        month = 1;
        int rest = year_day;
        while (month <= 12 && rest > DaysInMonth(year, month)) {
            rest -= DaysInMonth(year, month++);
        }
        if (month > 12) {
            return std::nullopt;
        }
        day = rest;
    }
    month = month < 0 ? 1 : month;
    day = day < 0 ? 1 : day;
    if (day < 1 || day > DaysInMonth(year, month)) {
        return std::nullopt;
    }
    const int64_t local = DaysFromCivil(year, month, day) * kDaySeconds + hour * 3600 + minute * 60 + second;
    if (offset) {
        // Shown in the wanted zone when that has the same offset at the time.
        const bool same = OffsetAt(zone, local - *offset).seconds == *offset && *offset != 0;
        return Moment{local - *offset, nanos, same ? zone : FixedZone(*offset)};
    }
    if (!zone_name.empty()) {
        const ZoneOffset here = OffsetAt(zone, local);
        if (zone_name == here.abbreviation) {
            return Moment{LocalToEpoch(zone, local), nanos, zone};
        }
        int hours = 0;  // an abbreviation tells no offset, but for GMT+3
        if (zone_name.size() > 3 && zone_name.starts_with("GMT")) {
            const size_t from = zone_name[3] == '+' ? 4 : 3;
            std::from_chars(zone_name.data() + from, zone_name.data() + zone_name.size(), hours);
        }
        return Moment{local - hours * 3600, nanos, FixedZone(hours * 3600)};
    }
    return Moment{LocalToEpoch(zone, local), nanos, zone};
}

bool DateLayout::ReadChunk(size_t index, std::string_view& text, Reading& r) const {
    const Chunk& chunk = chunks_[index];
    switch (chunk.part) {
        case Part::kLiteral:
            return TakeLiteral(text, chunk.literal);
        case Part::kYear2: {
            const std::optional<int> year = TakeDigits(text, 2);
            r.year = year.value_or(0) + (year.value_or(0) >= 69 ? 1900 : 2000);
            return year.has_value();
        }
        case Part::kYear4: {
            const std::optional<int> year = TakeDigits(text, 4);
            r.year = year.value_or(0);
            return year.has_value();
        }
        case Part::kMonth:
        case Part::kMonth2:
            return r.Set(r.month, TakeNumber(text, chunk.part == Part::kMonth2), 1, 12);
        case Part::kMonthShort:
        case Part::kMonthLong: {
            const bool found =
                r.Set(r.month, TakeName(text, kMonthNames, 12, chunk.part == Part::kMonthShort), 0, 11);
            r.month += found ? 1 : 0;
            return found;
        }
        case Part::kDaySpace:
            if (text.starts_with(' ')) {
                text.remove_prefix(1);
            }
            [[fallthrough]];
        case Part::kDay:
        case Part::kDay2:
            return r.Set(r.day, TakeNumber(text, chunk.part == Part::kDay2), 0, 31);
        case Part::kYearDay:
            return r.Set(r.year_day, TakeDigits(text, 3), 1, 366);
        case Part::kWeekdayShort:
        case Part::kWeekdayLong:
            return TakeName(text, kDayNames, 7, chunk.part == Part::kWeekdayShort).has_value();
        case Part::kHour:
            return r.Set(r.hour, TakeNumber(text, false), 0, 23);
        case Part::kHour12:
        case Part::kHour12Two:
            return r.Set(r.hour, TakeNumber(text, chunk.part == Part::kHour12Two), 0, 12);
        case Part::kMinute:
        case Part::kMinute2:
            return r.Set(r.minute, TakeNumber(text, chunk.part == Part::kMinute2), 0, 59);
        case Part::kSecond:
        case Part::kSecond2: {
            if (!r.Set(r.second, TakeNumber(text, chunk.part == Part::kSecond2), 0, 59)) {
                return false;
            }
            // A fraction may follow although the layout has none.
            const bool own =
                index + 1 < chunks_.size() && (chunks_[index + 1].part == Part::kFraction ||
                                               chunks_[index + 1].part == Part::kFractionTrimmed);
            if (const size_t digits = CountFractionDigits(text); digits > 0 && !own) {
                r.nanos = TakeFraction(text, digits);
            }
            return true;
        }
        case Part::kFraction:
        case Part::kFractionTrimmed: {
            const size_t digits = CountFractionDigits(text);
            if (chunk.part == Part::kFraction && digits < chunk.digits) {
                return false;
            }
            if (digits > 0) {
                r.nanos = TakeFraction(text, chunk.part == Part::kFraction ? chunk.digits : digits);
            }
            return true;
        }
        case Part::kUpperMeridiem:
            return r.ReadMeridiem(text, "AM", "PM");
        case Part::kLowerMeridiem:
            return r.ReadMeridiem(text, "am", "pm");
        case Part::kZoneName:
            return r.ReadZoneName(text);
        case Part::kOffset:
            return r.ReadOffset(text, chunk);
    }
    return false;
}

std::optional<Moment> DateLayout::Parse(std::string_view text, uint32_t zone) const {
    Reading reading;
    for (size_t i = 0; i < chunks_.size(); ++i) {
        if (!ReadChunk(i, text, reading)) {
            return std::nullopt;
        }
    }
    return text.empty() ? reading.Finish(zone) : std::nullopt;
}

}  // namespace haumea
