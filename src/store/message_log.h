#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/buffer.h"

namespace haumea::store {

// A message as the log keeps it. `flags` and `attributes` belong to whoever writes it.
struct LoggedMessage {
    uint64_t seq = 0;
    uint32_t flags = 0;
    BufferView payload;
    std::string attributes;
};

// A queue of messages in one SQLite file (docs/adr/0004): appended at the end, read from anywhere, forgotten
// from the front. Sequence numbers are contiguous. What Write() has taken survives kill -9 at any point;
// after a power failure the newest writes may be missing, never a part of one (write-ahead log, synced at
// checkpoints). The file is made by the first Write(). One thread at a time; calls wait for the disk, so
// never from a data loop.
class MessageLog {
  public:
    // Code of errors that say that the file is damaged; it is of no use any more.
    static constexpr ErrorCode kDamaged = ErrorCode::kConverter;

    // Opens what is there; nothing is an empty log.
    static Result<std::unique_ptr<MessageLog>> Open(std::string path);
    // Moves a damaged file out of the way and says where to, as a text for people: beside those of earlier
    // times, up to nine of them. No log has it open.
    static Result<std::string> SetAside(const std::string& path);
    // Deletes the file with its companions; nothing happens when there is none.
    static Result<> Remove(const std::string& path);

    ~MessageLog();
    MessageLog(const MessageLog&) = delete;
    MessageLog& operator=(const MessageLog&) = delete;

    // Numbers of the first and the last message; empty when last() < first().
    uint64_t first() const noexcept { return first_; }
    uint64_t last() const noexcept { return last_; }
    uint64_t size() const noexcept { return last_ + 1 - first_; }

    // One transaction: forgets everything up to `forget_through`, then appends. `messages` continue behind
    // last() (an empty log starts with any number). On an error nothing was appended; what was to be
    // forgotten may be: a full disk does not bring back what is done with.
    Result<> Write(uint64_t forget_through, std::span<const LoggedMessage> messages);
    // Appends to `out` the messages from `from` on, at most `max_messages` and, after the first, `max_bytes`.
    Result<> Read(uint64_t from, size_t max_messages, size_t max_bytes, std::vector<LoggedMessage>& out);
    // Bytes that the messages occupy in the file, to the page.
    uint64_t used_bytes() const noexcept { return used_bytes_; }

  private:
    struct Statements;

    explicit MessageLog(std::string path);
    Result<> OpenFile();
    // `no_room`: the disk did not take it.
    Result<> Transact(uint64_t forget_through, std::span<const LoggedMessage> messages, bool& no_room);
    Result<> AfterMark(uint64_t through, std::span<const LoggedMessage> messages, Result<> failed);
    void MeasureFile();
    // An emptied file gives its space back.
    void ShrinkWhenEmpty();

    std::string path_;
    std::unique_ptr<Statements> file_;  // null until the first write
    uint64_t first_ = 1;
    uint64_t last_ = 0;
    uint64_t used_bytes_ = 0;
};

}  // namespace haumea::store
