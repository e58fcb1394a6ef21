#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/datetime.h"

namespace haumea {

// A date layout as a list of parts, made from a pattern (`YYYY-MM-dd`) or from Go's reference time
// (`2006-01-02`). Immutable; any thread. The meaning of every part when reading and writing is that of Go's
// package time.
class DateLayout {
  public:
    static Result<DateLayout> FromPattern(std::string_view pattern);
    static DateLayout FromGo(std::string_view layout);

    void Format(const Moment& moment, std::string& out) const;
    std::optional<Moment> Parse(std::string_view text, uint32_t zone) const;

  private:
    enum class Part : uint8_t {
        kLiteral,
        kYear2,
        kYear4,
        kMonth,       // 1
        kMonth2,      // 01
        kMonthShort,  // Jan
        kMonthLong,   // January
        kDay,         // 2
        kDay2,        // 02
        kDaySpace,    // _2
        kYearDay,     // 002
        kWeekdayShort,
        kWeekdayLong,
        kHour,    // 15
        kHour12,  // 3
        kHour12Two,
        kMinute,
        kMinute2,
        kSecond,
        kSecond2,
        kFraction,         // .000: as many digits
        kFractionTrimmed,  // .999: up to as many digits, no trailing zeros
        kUpperMeridiem,    // PM
        kLowerMeridiem,    // pm
        kZoneName,         // MST
        kOffset            // -0700 and its relatives
    };
    struct Chunk {
        Part part = Part::kLiteral;
        uint8_t digits = 0;    // of a fraction
        bool colon = false;    // offset with colons
        bool minutes = true;   // offset has minutes
        bool seconds = false;  // offset has seconds
        bool zulu = false;     // offset 0 is Z
        char point = '.';      // of a fraction
        std::string literal = {};
    };
    struct Reading;

    void AddLiteral(std::string_view text);
    void Add(Part part) { chunks_.push_back({.part = part}); }
    void AddOffset(bool zulu, bool colon, bool minutes, bool seconds);
    void AddFraction(Part part, size_t digits, char point);
    // Appends what starts at the front of a Go layout; returns its length, 0 when it is plain text.
    size_t AddGoPart(std::string_view rest);
    size_t AddGoOffset(std::string_view rest);
    Result<void> AddPatternLetters(char letter, std::string_view run);
    bool ReadChunk(size_t index, std::string_view& text, Reading& reading) const;

    std::vector<Chunk> chunks_;
};

}  // namespace haumea
