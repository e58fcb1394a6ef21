#include "connectors/file/line_reader.h"

#include <utility>

namespace haumea::connectors {

Result<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path) {
    auto reader = std::make_unique<LineReader>();
    auto file = OpenRegularFile(path, FileMode::kRead);
    if (!file) {
        return Failf("cannot open file {}: {}", path, file.error().message);
    }
    reader->file_ = std::move(*file);
    return reader;
}

Result<void> LineReader::Decompress(codec::Decompressor& decompressor, size_t max_bytes) {
    std::string compressed;
    if (!ReadAll(compressed, max_bytes)) {
        return Failf("it is larger than {} bytes or unreadable", max_bytes);
    }
    BufferBuilder plain;
    std::string error;
    if (!decompressor.Decompress(compressed, max_bytes, plain, error)) {
        return Fail(Error(std::move(error)));
    }
    buffer_.assign(plain.view());
    at_ = 0;
    end_ = true;
    return {};
}

// False at the end of the file.
bool LineReader::Fill() {
    if (end_) {
        return false;
    }
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t before = buffer_.size();
    buffer_.resize(before + kChunk);
    const size_t count = std::fread(buffer_.data() + before, 1, kChunk, file_.get());
    buffer_.resize(before + count);
    end_ = count < kChunk;
    failed_ = failed_ || std::ferror(file_.get()) != 0;
    return count > 0;
}

LineReader::Outcome LineReader::Next(std::string_view& line) {
    bool skipping = false;
    size_t searched = at_;
    for (;;) {
        const size_t newline = buffer_.find('\n', searched);
        if (newline != std::string::npos || (end_ && at_ < buffer_.size())) {
            const size_t stop = newline == std::string::npos ? buffer_.size() : newline;
            line = std::string_view(buffer_).substr(at_, stop - at_);
            at_ = newline == std::string::npos ? stop : stop + 1;
            ending_ = newline == std::string::npos ? "" : "\n";
            if (line.ends_with('\r')) {
                line.remove_suffix(1);
                ending_ = "\r\n";
            }
            return skipping ? Outcome::kTooLong : Outcome::kLine;
        }
        if (buffer_.size() - at_ > kMaxLineBytes) {
            skipping = true;
            at_ = buffer_.size();
        }
        const size_t unread = buffer_.size() - at_;
        if (!Fill() && (failed_ || buffer_.size() == at_)) {
            return failed_ ? Outcome::kFailed : (skipping ? Outcome::kTooLong : Outcome::kEnd);
        }
        searched = at_ + unread;
    }
}

bool LineReader::ReadAll(std::string& content, size_t max_bytes) {
    while (buffer_.size() - at_ <= max_bytes && Fill()) {
    }
    if (failed_ || buffer_.size() - at_ > max_bytes) {
        return false;
    }
    content = buffer_.substr(at_);
    at_ = buffer_.size();
    return true;
}

}  // namespace haumea::connectors
