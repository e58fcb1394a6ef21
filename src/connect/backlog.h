#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "connect/sink.h"
#include "io/scheduler.h"

namespace haumea::store {
class MessageLog;
struct LoggedMessage;
}  // namespace haumea::store

namespace haumea::connect {

// Runs `work` where waiting for the disk harms nobody, in the order of the calls, and then posts `then` to
// the home loop. False: nothing was taken, try again later. From the home loop.
using DiskRunner = std::function<bool(std::function<void()> work, std::function<void()> then)>;

class Backlog;

// Backlogs that have the bounds of one between them; each enters and leaves by itself. Home loop only.
struct BacklogGroup {
    std::vector<Backlog*> members;
};

// The messages of one action that are not known to have arrived, in order: first in memory, then in a file,
// and after a restart from there. It is three parts of one queue: the head in memory, the middle in the file
// alone, the tail in memory until it is written.
//
// What goes to the file: everything that could not be sent at once, what has waited long for its
// confirmation, and what memory has no room for. As long as the remote confirms quickly the disk is not
// touched. Owned by a CacheStage (shared with its jobs on the disk thread); home loop only.
class Backlog : public std::enable_shared_from_this<Backlog> {
  public:
    struct Settings {
        std::string file;
        size_t memory_messages = 1024;
        size_t memory_bytes = 16U << 20U;
        uint64_t disk_messages = 1'024'000;
        uint64_t disk_bytes = 4ULL << 30U;
        size_t page_messages = 256;  // read at a time, and dropped at a time when the bound is reached
        // All its members together may hold what is said above; null: this one alone.
        std::shared_ptr<BacklogGroup> group = nullptr;
        // On the disk thread, just before the file is opened for the first time; may be empty.
        std::function<void()> before_open = nullptr;
    };
    // What the owner hears, from the loop and never from inside a call.
    struct Events {
        std::function<void()> available;           // PeekUnsent() may give one again; the file was opened
        std::function<void()> room;                // memory_full() is over
        std::function<void(uint64_t)> dropped;     // messages lost over the bound
        std::function<void(std::string)> trouble;  // the file fails (told once until it works again)
        // The file has come to light late, with older messages in it: everything is unsent and has new
        // numbers.
        std::function<void()> renumbered;
    };
    struct Entry {
        EncodedMessage message;
        uint64_t seq = 0;
        size_t bytes = 0;      // of its payloads, for the bounds
        int64_t since_ns = 0;  // when it came
        bool late = false;     // it did not go out at once: sending it is a resend
        bool final = false;    // needs no confirmation; leaves when it is the first
    };

    Backlog(io::Scheduler& loop, DiskRunner disk, Settings settings, Events events);
    ~Backlog();
    Backlog(const Backlog&) = delete;
    Backlog& operator=(const Backlog&) = delete;

    // Finds what an earlier run has left. Until that is known nothing can be sent.
    void Open();
    // Writes what is not written and ends; with `forget` the file goes instead.
    void Close(bool forget);

    // kYes: it should have gone out before, sending it is a resend.
    enum class Late : bool { kNo, kYes };
    void Append(EncodedMessage message, Late late = Late::kNo);
    // The next message to send, null when there is none in memory now.
    Entry* PeekUnsent();
    // The one that PeekUnsent() gave has been taken by the transport. `final`: it needs no confirmation.
    void MarkSent(bool final);
    // Number of the newest sent message; everything up to it can be confirmed.
    uint64_t last_sent() const noexcept;
    void ConfirmThrough(uint64_t seq);
    // What was sent and is not confirmed will be sent again.
    void RewindUnconfirmed();

    uint64_t size() const noexcept { return head_.size() + middle_ + tail_.size(); }
    uint64_t unsent() const noexcept { return size() - sent_; }
    size_t in_flight() const noexcept { return sent_; }
    size_t in_flight_bytes() const noexcept { return sent_bytes_; }
    // Messages come faster than the disk takes them; whoever can is to wait for `room`. Not while the disk
    // fails: then the oldest unwritten messages are dropped.
    bool must_wait() const noexcept { return memory_full() && (job_running_ || !failing_); }
    // Messages that have left as sent for good or confirmed, ever.
    uint64_t released() const noexcept { return released_; }
    // Everything up to now is in the file (tests).
    bool written() const noexcept { return !job_running_ && !HasUnwritten(); }
    // Holds nothing, and neither does its file.
    bool empty() const noexcept { return file_known_ && size() == 0; }

  private:
    struct Disk;  // the log and its path, for the disk thread
    struct Job;

    bool memory_full() const noexcept;
    bool HasUnwritten() const noexcept;
    bool NeedsWriting() const;
    void ScheduleStep();
    void Step();
    // kReading: nothing can be written at the moment.
    enum class Work : bool { kAll, kReading };
    std::shared_ptr<Job> NextJob(Work work);
    static void RunJob(Disk& disk, Job& job);
    void Finished(Job& job);
    void Failed(Job& job);
    void Opened(const Job& job);
    void Written(const Job& job);
    void Loaded(Job& job);
    void CloseGap();
    void DropDamaged(const Job& job);
    void DropOverflow();
    uint64_t DropPage();
    void DropFront();
    void CheckRoom();
    void LeaveGroup();
    std::span<Backlog* const> members() const noexcept;
    void DropTail();
    void ReportDropped(uint64_t count);
    void Age();
    void Settle();
    size_t UnwrittenInHead() const noexcept;
    template <typename Call>
    void Post(Call&& call);

    io::Scheduler* loop_;
    DiskRunner run_on_disk_;
    Settings settings_;
    Events events_;
    std::shared_ptr<Disk> disk_;
    Backlog* const self_ = this;  // the group of one

    std::deque<Entry> head_;  // the oldest; the first sent_ of them are in flight
    uint64_t middle_ = 0;     // in the file alone, behind head_
    std::deque<Entry> tail_;  // the newest, not yet written; empty unless something lies between
    size_t sent_ = 0;
    size_t sent_bytes_ = 0;
    size_t memory_bytes_used_ = 0;
    uint64_t next_seq_ = 1;
    uint64_t written_through_ = 0;    // the file has everything up to here that is not confirmed
    uint64_t forget_through_ = 0;     // confirmed or dropped
    uint64_t forgotten_through_ = 0;  // as the file knows it
    uint64_t file_bytes_ = 0;

    uint64_t released_ = 0;

    bool opened_ = false;      // messages may be sent
    bool file_known_ = false;  // and it is known what an earlier run has left
    bool closed_ = false;
    bool job_running_ = false;
    bool read_wanted_ = false;
    bool step_scheduled_ = false;
    bool failing_ = false;  // the last job failed
    bool was_full_ = false;
    io::Timer retry_;
    io::Timer age_;
};

}  // namespace haumea::connect
