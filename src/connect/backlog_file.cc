// The half of the backlog that keeps the file: what is written, read and forgotten, and what happens when
// that fails.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "connect/backlog.h"
#include "connect/backlog_job.h"
#include "connect/backlog_record.h"

namespace haumea::connect {
namespace {

using store::LoggedMessage;
using store::MessageLog;

constexpr int64_t kRetryMs = 1'000;
// How long a message that was handed over may wait for its confirmation before it goes to the file.
constexpr int64_t kMaxUnwrittenMs = 200;
constexpr size_t kWriteMessages = 16'384;  // of one transaction
constexpr size_t kReadBytes = 4U << 20U;

}  // namespace

// ---- the file ----

size_t Backlog::UnwrittenInHead() const noexcept {
    if (head_.empty() || head_.back().seq <= written_through_) {
        return 0;
    }
    return std::min<uint64_t>(head_.size(), head_.back().seq - written_through_);
}

bool Backlog::HasUnwritten() const noexcept {
    return (!tail_.empty() && tail_.back().seq > written_through_) || UnwrittenInHead() > 0;
}

bool Backlog::NeedsWriting() const {
    if (!HasUnwritten()) {
        return false;
    }
    const size_t unwritten = UnwrittenInHead();
    if (unwritten == 0 || head_.size() > sent_ || middle_ > 0) {
        return true;  // something could not be sent at once
    }
    const int64_t waited_ns = loop_->clock().MonotonicNs() - head_[head_.size() - unwritten].since_ns;
    return waited_ns >= kMaxUnwrittenMs * 1'000'000;
}

void Backlog::Open() {
    auto job = std::make_shared<Job>();
    job->open = true;
    job_running_ = true;
    const bool taken = run_on_disk_([disk = disk_, job] { RunJob(*disk, *job); },
                                    [weak = weak_from_this(), job] {
                                        if (const auto self = weak.lock()) {
                                            self->Finished(*job);
                                        }
                                    });
    if (!taken) {
        job->error = "the disk thread has too much to do";
        Post([job](Backlog& self) { self.Finished(*job); });
    }
}

// At the end of the turn in effect: what else happens in this turn is part of the same step.
void Backlog::ScheduleStep() {
    if (!step_scheduled_ && !closed_) {
        step_scheduled_ = true;
        Post([](Backlog& self) {
            self.step_scheduled_ = false;
            self.Step();
        });
    }
}

void Backlog::Step() {
    DropOverflow();
    const bool resting = failing_ && retry_.pending();
    if (job_running_ || closed_ || (resting && !file_known_)) {
        return;
    }
    if (!file_known_) {
        Open();
        return;
    }
    const auto job = NextJob(resting ? Work::kReading : Work::kAll);
    if (!job) {
        Age();
        return;
    }
    job_running_ = run_on_disk_([disk = disk_, job] { RunJob(*disk, *job); },
                                [weak = weak_from_this(), job] {
                                    if (const auto self = weak.lock()) {
                                        self->Finished(*job);
                                    }
                                });
    if (!job_running_) {
        retry_.Start(kRetryMs, [this] { Step(); });
    }
}

// Looks again when the oldest unwritten message will have waited long enough.
void Backlog::Age() {
    if (HasUnwritten() && !age_.pending()) {
        age_.Start(kMaxUnwrittenMs, [this] { Step(); });
    }
}

std::shared_ptr<Backlog::Job> Backlog::NextJob(Work work) {
    auto job = std::make_shared<Job>();
    job->only_reads = work == Work::kReading;
    if (!job->only_reads && NeedsWriting()) {
        const auto add = [&job](const Entry& entry) {
            if (job->append.size() < kWriteMessages) {
                job->append.push_back(ToRecord(entry.seq, entry.message));
            }
        };
        for (size_t i = head_.size() - UnwrittenInHead(); i < head_.size(); ++i) {
            add(head_[i]);
        }
        for (const Entry& entry : tail_) {
            if (entry.seq > written_through_) {
                add(entry);
            }
        }
    }
    const bool forgets = !job->only_reads && forget_through_ > forgotten_through_;
    // What was confirmed before it was written never comes to the file.
    job->forget_through = forgets && written_through_ > forgotten_through_ ? forget_through_ : 0;
    if (forgets && job->forget_through == 0) {
        forgotten_through_ = written_through_ = std::max(written_through_, forget_through_);
    }
    if (read_wanted_ && middle_ > 0) {
        job->read_from = (head_.empty() ? forget_through_ : head_.back().seq) + 1;
        job->read_messages = std::min(settings_.page_messages, settings_.memory_messages);
    }
    const bool nothing = job->append.empty() && job->forget_through == 0 && job->read_from == 0;
    return nothing ? nullptr : job;
}

// On the disk thread.
void Backlog::RunJob(Disk& disk, Job& job) {
    Result<> done;
    if (const auto first = std::exchange(disk.before_open, nullptr)) {
        first();
    }
    if (job.open || !disk.log) {
        auto opened = MessageLog::Open(disk.path);
        if (opened) {
            disk.log = std::move(*opened);
        } else {
            done = Fail(std::move(opened.error()));
        }
    }
    if (done && disk.log) {
        done = disk.log->Write(job.forget_through, job.append);
    }
    if (disk.log && job.read_from > 0) {  // also when nothing can be written
        auto read = disk.log->Read(job.read_from, job.read_messages, kReadBytes, job.loaded);
        job.was_read = static_cast<bool>(read);
        done = done ? std::move(read) : std::move(done);
    }
    if (!done) {
        job.error = done.error().message;
        if (done.error().code == MessageLog::kDamaged) {
            job.damaged = disk.log ? disk.log->size() : 0;
            job.was_damaged = true;
            disk.log.reset();
            const auto aside = MessageLog::SetAside(disk.path);
            job.error += aside ? fmt::format("; its messages are lost, the file is kept as {}", *aside)
                               : fmt::format("; {}", aside.error().message);
        }
    }
    if (disk.log) {
        job.first = disk.log->first();
        job.last = disk.log->last();
        job.file_bytes = disk.log->used_bytes();
    }
}

void Backlog::Finished(Job& job) {
    job_running_ = false;
    if (closed_) {
        return;
    }
    if (!job.error.empty()) {
        Failed(job);
        return;
    }
    failing_ = failing_ && job.only_reads;
    file_bytes_ = job.file_bytes;
    if (job.open) {
        Opened(job);
    } else {
        Written(job);
        Loaded(job);
    }
    CloseGap();
    CheckRoom();
    for (Backlog* member : members()) {
        if (member != this) {
            member->Post([](Backlog& self) { self.CheckRoom(); });
        }
    }
    if (!closed_ && (job.open || sent_ < head_.size())) {
        events_.available();
    }
    if (!closed_) {
        Step();
    }
}

// The file could not be opened, written or read. Whatever it was, writing waits for retry_ (Step() knows).
void Backlog::Failed(Job& job) {
    if (!std::exchange(failing_, true) || job.was_damaged) {
        events_.trouble(job.error);
    }
    if (job.was_damaged) {
        DropDamaged(job);
    } else {
        Loaded(job);  // reading may have worked although writing did not
    }
    const bool first_open = !std::exchange(opened_, true);
    if (first_open || job.was_read) {
        CloseGap();  // without the file, what comes can still be sent
        events_.available();
    }
    retry_.Start(kRetryMs, [this] { Step(); });
    // Reading goes on meanwhile, unless it is reading that fails: it would fail again at once, for ever.
    const bool reading_fails = job.only_reads && !job.was_read;
    if (!closed_ && !reading_fails) {
        Step();
    }
}

void Backlog::Opened(const Job& job) {
    const bool late = std::exchange(opened_, true) && !head_.empty();
    file_known_ = true;
    const uint64_t left = job.last + 1 - job.first;
    // What came meanwhile stands behind what is in the file.
    tail_.insert(tail_.begin(), std::make_move_iterator(head_.begin()), std::make_move_iterator(head_.end()));
    head_.clear();
    sent_ = 0;
    sent_bytes_ = 0;
    next_seq_ = job.last + 1;
    written_through_ = job.last;
    forget_through_ = forgotten_through_ = job.first - 1;
    for (Entry& entry : tail_) {
        entry.late = entry.late || late || left > 0;
        entry.final = false;
        entry.seq = next_seq_++;
    }
    middle_ = left;
    read_wanted_ = left > 0;
    if (late) {
        events_.renumbered();
    }
}

void Backlog::Written(const Job& job) {
    if (!job.append.empty()) {
        written_through_ = std::max(written_through_, job.append.back().seq);
    }
    forgotten_through_ = std::max(forgotten_through_, job.forget_through);
    written_through_ = std::max(written_through_, forgotten_through_);
    // Memory keeps the front; what is behind it is in the file now.
    while (!tail_.empty() && tail_.front().seq <= written_through_) {
        memory_bytes_used_ -= tail_.front().bytes;
        tail_.pop_front();
        ++middle_;
    }
    const auto over = [this] {
        return head_.size() - sent_ > settings_.memory_messages ||
               memory_bytes_used_ - sent_bytes_ > settings_.memory_bytes / 2 / members().size();
    };
    while (tail_.empty() && head_.size() > sent_ + 1 && head_.back().seq <= written_through_ && over()) {
        memory_bytes_used_ -= head_.back().bytes;
        head_.pop_back();
        ++middle_;
    }
}

void Backlog::Loaded(Job& job) {
    if (!job.was_read) {
        return;
    }
    read_wanted_ = false;
    const uint64_t expected = (head_.empty() ? forget_through_ : head_.back().seq) + 1;
    const int64_t now_ns = loop_->clock().MonotonicNs();
    uint64_t next = expected;
    for (LoggedMessage& logged : job.loaded) {
        if (logged.seq != next || middle_ == 0) {
            continue;  // dropped in the meantime
        }
        Entry entry;
        entry.seq = logged.seq;
        entry.since_ns = now_ns;
        entry.late = true;
        entry.message = FromRecord(std::move(logged));
        entry.bytes = entry.message.payload.len;
        memory_bytes_used_ += entry.bytes;
        head_.push_back(std::move(entry));
        --middle_;
        ++next;
    }
    if (next == expected && middle_ > 0 && job.read_from == expected) {
        // The file lacks what it ought to have.
        events_.trouble(fmt::format("{} messages are missing in {}", middle_, settings_.file));
        ReportDropped(middle_);
        forget_through_ += head_.empty() ? middle_ : 0;
        middle_ = 0;
    }
}

// Nothing lies in the file alone any more: head and tail are one again.
void Backlog::CloseGap() {
    if (opened_ && middle_ == 0 && !tail_.empty()) {
        std::move(tail_.begin(), tail_.end(), std::back_inserter(head_));
        tail_.clear();
    }
}

// The file is gone with what was in it alone; what memory has is written again.
void Backlog::DropDamaged(const Job& job) {
    const uint64_t lost = file_known_ ? middle_ : job.damaged;
    middle_ = 0;
    read_wanted_ = false;
    if (file_known_) {
        CloseGap();
        const uint64_t first = head_.empty() ? next_seq_ : head_.front().seq;
        next_seq_ = first;
        for (Entry& entry : head_) {
            entry.seq = next_seq_++;
        }
        forget_through_ = forgotten_through_ = written_through_ = first - 1;
    }
    ReportDropped(lost);
}

void Backlog::Close(bool forget) {
    if (std::exchange(closed_, true)) {
        return;
    }
    LeaveGroup();
    retry_.Cancel();
    age_.Cancel();
    forget = forget || empty();  // an empty file is of no use
    auto job = std::make_shared<Job>();
    const bool known = file_known_;
    if (!forget) {
        // Numbers may have to wait for a job under way: the disk thread counts on from what is there.
        for (const std::deque<Entry>* part : {&head_, &tail_}) {
            for (const Entry& entry : *part) {
                job->append.push_back(ToRecord(entry.seq, entry.message));
            }
        }
        job->forget_through = forget_through_;
    }
    const auto work = [disk = disk_, job, forget, known] {
        if (const auto first = std::exchange(disk->before_open, nullptr)) {
            first();
        }
        if (forget) {
            disk->log.reset();
            static_cast<void>(MessageLog::Remove(disk->path));
            return;
        }
        if (!disk->log) {
            if (auto opened = MessageLog::Open(disk->path)) {
                disk->log = std::move(*opened);
            } else {
                return;
            }
        }
        std::vector<LoggedMessage>& append = job->append;
        if (known) {
            const uint64_t last = disk->log->size() > 0 ? disk->log->last() : 0;
            std::erase_if(append, [last](const LoggedMessage& message) { return message.seq <= last; });
        } else {
            uint64_t seq = disk->log->last();
            for (LoggedMessage& message : append) {
                message.seq = ++seq;
            }
        }
        static_cast<void>(disk->log->Write(known ? job->forget_through : 0, append));
        disk->log.reset();
    };
    static_cast<void>(run_on_disk_(work, [] {}));
}

}  // namespace haumea::connect
