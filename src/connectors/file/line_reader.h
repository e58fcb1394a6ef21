#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/regular_file.h"
#include "base/result.h"
#include "codec/compress.h"

namespace haumea::connectors {

// A file line by line, read in chunks: its size does not matter. Owned by one source; one thread.
class LineReader {
  public:
    static constexpr size_t kMaxLineBytes = 16U << 20U;

    static Result<std::unique_ptr<LineReader>> Open(const std::string& path);

    // Takes the whole file for compressed: what is read from now on is what was in it, at most `max_bytes`.
    Result<void> Decompress(codec::Decompressor& decompressor, size_t max_bytes);

    enum class Outcome : uint8_t { kLine, kEnd, kTooLong, kFailed };
    // The next line without its end (\n or \r\n), valid until the next call. kTooLong: a line beyond the
    // limit was skipped.
    Outcome Next(std::string_view& line);
    // What stood at the end of the line that Next() gave: \n, \r\n, or nothing at the end of the file.
    std::string_view ending() const noexcept { return ending_; }
    // Everything that is left; false when it is more than `max_bytes` or cannot be read.
    bool ReadAll(std::string& content, size_t max_bytes);

  private:
    static constexpr size_t kChunk = 64U << 10U;
    bool Fill();

    FilePtr file_;
    std::string buffer_;
    size_t at_ = 0;
    bool end_ = false;
    bool failed_ = false;
    std::string_view ending_;
};

}  // namespace haumea::connectors
