#include "connect/backlog.h"

#include <algorithm>
#include <utility>

#include "connect/backlog_job.h"

namespace haumea::connect {
namespace {

// Messages that may come while the disk is busy with earlier ones.
constexpr size_t kBurstMessages = 16'384;

}  // namespace

Backlog::Backlog(io::Scheduler& loop, DiskRunner disk, Settings settings, Events events)
    : loop_(&loop),
      run_on_disk_(std::move(disk)),
      settings_(std::move(settings)),
      events_(std::move(events)),
      disk_(std::make_shared<Disk>()),
      retry_(loop),
      age_(loop) {
    disk_->path = settings_.file;
    disk_->before_open = std::move(settings_.before_open);
    if (settings_.group) {
        settings_.group->members.push_back(this);
    }
}

Backlog::~Backlog() { LeaveGroup(); }

void Backlog::LeaveGroup() {
    if (settings_.group) {
        std::erase(settings_.group->members, this);
    }
}

std::span<Backlog* const> Backlog::members() const noexcept {
    return settings_.group ? std::span<Backlog* const>(settings_.group->members) : std::span(&self_, 1);
}

// ---- the queue ----

void Backlog::Append(EncodedMessage message, Late late) {
    Entry entry;
    entry.late = late == Late::kYes || unsent() > 0;
    entry.message = std::move(message);
    entry.since_ns = loop_->clock().MonotonicNs();
    entry.seq = next_seq_++;
    entry.bytes = entry.message.payload.len + entry.message.resent.len;
    memory_bytes_used_ += entry.bytes;
    (opened_ && middle_ == 0 && tail_.empty() ? head_ : tail_).push_back(std::move(entry));
    if (failing_ && !job_running_ && memory_full()) {
        DropTail();
    }
    ScheduleStep();
}

Backlog::Entry* Backlog::PeekUnsent() {
    if (middle_ > 0 && !read_wanted_ && head_.size() - sent_ <= settings_.page_messages / 2) {
        read_wanted_ = true;
        ScheduleStep();
    }
    return sent_ < head_.size() ? &head_[sent_] : nullptr;
}

void Backlog::MarkSent(bool final) {
    Entry& entry = head_[sent_++];
    sent_bytes_ += entry.bytes;
    entry.final = final;
    Settle();
    ScheduleStep();
}

uint64_t Backlog::last_sent() const noexcept { return sent_ == 0 ? 0 : head_[sent_ - 1].seq; }

void Backlog::ConfirmThrough(uint64_t seq) {
    for (size_t i = 0; i < sent_ && head_[i].seq <= seq; ++i) {
        head_[i].final = true;
    }
    Settle();
    ScheduleStep();
}

// Lets go of the front as far as it is done.
void Backlog::Settle() {
    while (sent_ > 0 && head_.front().final) {
        DropFront();
        ++released_;
    }
}

void Backlog::DropFront() {
    const Entry& entry = head_.front();
    forget_through_ = entry.seq;
    memory_bytes_used_ -= entry.bytes;
    if (sent_ > 0) {
        --sent_;
        sent_bytes_ -= entry.bytes;
    }
    head_.pop_front();
}

void Backlog::RewindUnconfirmed() {
    for (size_t i = 0; i < sent_; ++i) {
        head_[i].late = true;
    }
    sent_ = 0;
    sent_bytes_ = 0;
    ScheduleStep();
}

bool Backlog::memory_full() const noexcept {
    size_t bytes = 0;
    for (const Backlog* member : members()) {
        bytes += member->memory_bytes_used_ - member->sent_bytes_;
    }
    return (head_.size() + tail_.size() - sent_ >= settings_.memory_messages + kBurstMessages ||
            bytes >= settings_.memory_bytes) &&
           (HasUnwritten() || !file_known_);
}

void Backlog::CheckRoom() {
    was_full_ = was_full_ || memory_full();
    if (was_full_ && !memory_full()) {
        was_full_ = false;
        events_.room();
    }
}

// ---- bounds ----

void Backlog::ReportDropped(uint64_t count) {
    if (count > 0) {
        Post([count](Backlog& self) { self.events_.dropped(count); });
    }
}

// The oldest pages go when there are more messages than memory and file may hold together: those of the
// member that has the most.
void Backlog::DropOverflow() {
    const auto held = [](const Backlog& of) { return of.size() - of.sent_; };
    const auto in_file = [](const Backlog& of) { return of.middle_ > 0 ? of.file_bytes_ : 0; };
    const auto drop_while_over = [this](uint64_t bound, const auto& amount) {
        for (;;) {
            Backlog* most = self_;
            uint64_t sum = 0;
            for (Backlog* member : members()) {
                sum += amount(*member);
                most = amount(*member) > amount(*most) ? member : most;
            }
            if (sum <= bound || !most->file_known_ || amount(*most) == 0) {
                return;
            }
            most->ReportDropped(most->DropPage());
        }
    };
    if (file_known_) {
        drop_while_over(settings_.disk_messages + settings_.memory_messages, held);
        drop_while_over(settings_.disk_bytes, in_file);
    }
}

// -> how many of them are lost.
uint64_t Backlog::DropPage() {
    uint64_t lost = 0;
    const uint64_t page = std::min<uint64_t>(settings_.page_messages, size());
    for (uint64_t i = 0; i < page && !head_.empty(); ++i) {
        lost += sent_ > 0 ? 0 : 1;  // what is in flight was handed over
        DropFront();
    }
    if (head_.empty() && middle_ > 0) {
        const uint64_t count = std::min(middle_, page);
        const uint64_t first = (tail_.empty() ? next_seq_ : tail_.front().seq) - middle_;
        forget_through_ = first + count - 1;
        middle_ -= count;
        lost += count;
    }
    file_bytes_ = 0;  // measured again by the next job
    ScheduleStep();
    return lost;
}

// The file fails and memory is full: the oldest unwritten messages make room, many at a time, since the
// numbers of all that follow change so that they stay without a gap.
void Backlog::DropTail() {
    std::deque<Entry>& part = tail_.empty() ? head_ : tail_;
    const size_t index = &part == &head_ ? std::max(sent_, head_.size() - UnwrittenInHead()) : 0;
    const size_t count =
        std::min(std::max(settings_.page_messages, kBurstMessages / 64), part.size() - index);
    const auto first = part.begin() + static_cast<ptrdiff_t>(index);
    for (auto entry = first; entry != first + static_cast<ptrdiff_t>(count); ++entry) {
        memory_bytes_used_ -= entry->bytes;
    }
    part.erase(first, first + static_cast<ptrdiff_t>(count));
    for (size_t i = index; i < part.size(); ++i) {
        part[i].seq -= count;
    }
    next_seq_ -= count;
    ReportDropped(count);
}

}  // namespace haumea::connect
