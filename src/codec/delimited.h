#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "data/buffer.h"

namespace haumea::codec {

// How the delimited format treats values that hold a delimiter, a quote or the end of a line.
enum class Quoting : uint8_t {
    kNone,     // not at all: values as they are, one record per message
    kRfc4180,  // in quotes, quotes inside doubled; a record per line
};

// Appends `value`, in quotes when it needs them. `alone`: it is the only one of its record, and an empty one
// would look like no record at all.
void AppendQuoted(std::string_view value, std::string_view delimiter, bool alone, BufferBuilder& out);

// Takes delimited text apart into records (RFC 4180; lines may end in LF alone, and empty lines are no
// records). A quote inside a value that does not begin with one is an ordinary character. One thread.
class RecordReader {
  public:
    RecordReader(std::string_view text, std::string_view delimiter) : text_(text), delimiter_(delimiter) {}

    // The values of the next record; they live in the text, or in `arena` where quotes were doubled. False at
    // the end, and when the text is broken: then `error` says where and why.
    bool Next(Arena& arena, std::vector<std::string_view>& values, std::string& error);

  private:
    bool TakeQuoted(Arena& arena, std::string_view& value, std::string& error);
    std::string_view TakePlain();
    bool AtLineEnd() const;

    static constexpr size_t kUnknown = static_cast<size_t>(-1);
    std::string_view text_;
    std::string_view delimiter_;
    size_t at_ = 0;
    size_t line_end_ = kUnknown;  // the first one at or behind at_, while at_ has not passed it
    size_t line_ = 1;
};

// Tells a reader of lines where a record ends whose values may hold line ends. One thread.
class RecordEnd {
  public:
    explicit RecordEnd(std::string_view delimiter) : delimiter_(delimiter) {}

    // `line`, without its end, is the next one of the record. True: the last one; the next begins another.
    bool IsLast(std::string_view line);

  private:
    std::string_view delimiter_;  // outlives this object
    bool in_quotes_ = false;
};

}  // namespace haumea::codec
