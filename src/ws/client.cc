#include "ws/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace haumea::ws {
namespace {

constexpr size_t kReadBytes = 16U << 10U;
constexpr int kReadsPerTurn = 8;
constexpr size_t kBytesPerFlush = 1U << 20U;  // then other work of the loop has its turn
// Our pings carry a letter and a number, so that their answers are told apart.
constexpr char kKeepAlivePing = 'k';
constexpr char kOrderedPing = 's';  // of SendPing()
constexpr size_t kPingPayload = 1 + sizeof(uint64_t);

std::string PingPayload(char kind, uint64_t number) {
    std::string payload(kPingPayload, kind);
    std::memcpy(payload.data() + 1, &number, sizeof number);
    return payload;
}

std::string CloseText(const FrameEvent& event) {
    if (event.code == CloseCode::kNoStatus) {
        return "the remote closed the connection without a code";
    }
    const std::string_view reason = event.payload.view();
    return fmt::format("the remote closed the connection with code {}{}{}", ToNumber(event.code),
                       reason.empty() ? "" : ": ", reason);
}

}  // namespace

Client::Client(Environment environment, ClientTarget target, const ClientBehaviour& behaviour)
    : environment_(std::move(environment)),
      target_(std::move(target)),
      behaviour_(behaviour),
      backoff_(behaviour.reconnect),
      writer_(behaviour.backlog_messages, behaviour.backlog_bytes),
      phase_timer_(*environment_.scheduler),
      ping_timer_(*environment_.scheduler),
      pong_timer_(*environment_.scheduler),
      write_timer_(*environment_.scheduler) {}

Client::~Client() { DropConnection(); }

// ---- users ----

template <typename Call>
void Client::ForEachUser(Call&& call) {
    ++iterating_;
    for (size_t i = 0; i < users_.size(); ++i) {  // by index: a call may attach more
        if (users_[i].listener != nullptr) {
            call(*users_[i].listener);
        }
    }
    if (--iterating_ == 0) {
        std::erase_if(users_, [](const User& user) { return user.listener == nullptr; });
    }
}

Client::User* Client::Find(const ClientListener& user) noexcept {
    const auto it =
        std::find_if(users_.begin(), users_.end(), [&](const User& u) { return u.listener == &user; });
    return it == users_.end() ? nullptr : &*it;
}

void Client::Attach(ClientListener& user) { users_.push_back({&user}); }

void Client::Detach(ClientListener& user) {
    ResumeReading(user);
    writer_.Forget(&user);
    for (OrderedPing& ping : ordered_pings_) {
        ping.user = ping.user == &user ? nullptr : ping.user;
    }
    if (User* entry = Find(user)) {
        entry->listener = nullptr;
    }
    ForEachUser([](ClientListener&) {});
}

ClientStatus Client::Status() const {
    ClientStatus status = status_;
    status.backlog_messages = writer_.messages();
    status.backlog_bytes = writer_.bytes();
    return status;
}

void Client::SetState(ClientState state) {
    if (status_.state != state) {
        status_.state = state;
        status_.changed_ms = NowMs();
    }
    ForEachUser([this](ClientListener& user) { user.OnState(Status()); });
}

// ---- sending ----

SendResult Client::Send(ClientListener& user, BufferView payload, bool is_text, WhenFull when_full) {
    if (closed_ || phase_ == Phase::kClosed) {
        ++status_.dropped;
        ++status_.dropped_on_close;
        return SendResult::kDropped;
    }
    while (!writer_.HasRoomFor(payload.len)) {
        ClientWriter::Message oldest;
        if (when_full == WhenFull::kBlock) {
            if (User* entry = Find(user)) {
                entry->blocked = true;
            }
            return SendResult::kBlocked;
        }
        ++status_.dropped;
        if (when_full == WhenFull::kDropNewest || !writer_.DropOldest(oldest)) {
            ++status_.dropped_newest;
            return SendResult::kDropped;
        }
        ++status_.dropped_oldest;
        if (oldest.user != nullptr) {
            oldest.user->OnDropped(1);
        }
    }
    writer_.Push({std::move(payload), is_text ? Opcode::kText : Opcode::kBinary, &user});
    status_.backlog_messages_max = std::max(status_.backlog_messages_max, writer_.messages());
    status_.backlog_bytes_max = std::max(status_.backlog_bytes_max, writer_.bytes());
    ScheduleFlush();
    return SendResult::kAccepted;
}

size_t Client::Conflate(ClientListener& user) {
    const size_t count = writer_.Discard(&user);
    status_.dropped += count;
    status_.dropped_conflated += count;
    return count;
}

bool Client::SendPing(ClientListener& user, uint64_t sequence) {
    if (phase_ != Phase::kOpen) {
        return false;
    }
    ordered_pings_.push_back({.number = ++ping_counter_, .user = &user, .sequence = sequence});
    writer_.Push({BufferView::Copy(PingPayload(kOrderedPing, ping_counter_)), Opcode::kPing, nullptr});
    ScheduleFlush();
    return true;
}

void Client::ScheduleFlush() {
    if (flush_scheduled_ || write_blocked_ || !parser_) {
        return;
    }
    flush_scheduled_ = true;
    environment_.at_turn_end([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) {
            flush_scheduled_ = false;
            Flush();
        }
    });
}

void Client::Flush() {
    if (write_blocked_ || !parser_) {
        return;
    }
    size_t total = 0;
    size_t handed_over = 0;
    ClientListener* user = nullptr;  // whose messages are counted in handed_over
    const auto tell = [&] {
        if (user != nullptr && handed_over > 0) {
            user->OnHandedOver(std::exchange(handed_over, 0));
        }
        handed_over = 0;
    };
    for (std::string_view bytes = writer_.Next(); !bytes.empty(); bytes = writer_.Next()) {
        if (total >= kBytesPerFlush) {
            ScheduleFlush();
            break;
        }
        const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        const io::IoResult result = stream_->Write({&part, 1});
        if (result.status == io::IoResult::Status::kWouldBlock) {
            OnBlocked();
            break;
        }
        if (result.status != io::IoResult::Status::kOk) {
            OnWriteFailed(result.error);
            break;
        }
        total += result.bytes;
        status_.bytes_out += result.bytes;
        last_progress_ns_ = NowNs();
        writer_.Taken(result.bytes, [&](const ClientWriter::Message& message) {
            if (message.opcode == Opcode::kPing) {
                AwaitPong();
                return;
            }
            ++status_.messages_out;
            if (message.user != user) {
                tell();
                user = message.user;
            }
            ++handed_over;
        });
    }
    tell();
    AfterFlush();
}

void Client::OnBlocked() {
    write_blocked_ = true;
    stream_->WaitWritable([this] {
        write_blocked_ = false;
        last_progress_ns_ = NowNs();
        Flush();
    });
    if (behaviour_.write_timeout_ms > 0 && !write_timer_.pending()) {
        write_timer_.Start(behaviour_.write_timeout_ms, [this] { OnWriteTimer(); });
    }
}

void Client::OnWriteTimer() {
    if (!write_blocked_) {
        return;
    }
    const int64_t left_ms = behaviour_.write_timeout_ms - (NowNs() - last_progress_ns_) / 1'000'000;
    if (left_ms > 0) {
        write_timer_.Start(left_ms, [this] { OnWriteTimer(); });
        return;
    }
    Lost(fmt::format("the remote has taken nothing for {} ms (writeTimeout)", behaviour_.write_timeout_ms));
}

void Client::AfterFlush() {
    if (writer_.half_empty()) {
        ForEachUser([this](ClientListener& listener) {
            if (User* user = Find(listener); user != nullptr && std::exchange(user->blocked, false)) {
                listener.OnWritable();
            }
        });
    }
    if (phase_ == Phase::kFarewell && writer_.messages() == 0) {
        BeginClosing(farewell_code_, farewell_);
    }
}

// In words. The kernel's own watch (TCP_USER_TIMEOUT) is our setting.
std::string Client::BrokenText(int error) const {
    return error == ETIMEDOUT && behaviour_.write_timeout_ms > 0
               ? fmt::format("the remote has acknowledged nothing for {} ms (writeTimeout)",
                             behaviour_.write_timeout_ms)
               : stream_->last_error();
}

// What the remote said last may still be there to be read, and says more than "broken pipe". Reading finds
// the end; the timer is for a stream that nobody reads.
void Client::OnWriteFailed(int error) {
    constexpr int64_t kGraceMs = 50;
    write_blocked_ = true;
    if (close_reason_.empty()) {
        close_reason_ = BrokenText(error);
    }
    write_timer_.Start(kGraceMs, [this] { Lost(close_reason_); });
}

// ---- receiving ----

void Client::WaitReadable() {
    if (parser_ && !reading_paused()) {
        stream_->WaitReadable([this] { OnReadable(); });
    }
}

void Client::OnReadable() {
    for (int i = 0; i < kReadsPerTurn && parser_ && !reading_paused() && !parsing_paused_; ++i) {
        if (!read_buffer_ || !read_buffer_->unique()) {
            read_buffer_ = Buffer::Allocate(kReadBytes);
        }
        const io::IoResult result = stream_->Read({read_buffer_->data(), read_buffer_->capacity()});
        switch (result.status) {
            case io::IoResult::Status::kWouldBlock:
                WaitReadable();
                return;
            case io::IoResult::Status::kEnd:
                Lost(!close_reason_.empty() ? close_reason_
                                            : "the remote ended the connection without a close frame");
                return;
            case io::IoResult::Status::kFailed:
                Lost(!close_reason_.empty() ? close_reason_ : BrokenText(result.error));
                return;
            case io::IoResult::Status::kOk:
                last_received_ns_ = NowNs();
                parser_->Feed({read_buffer_->data(), result.bytes},
                              Ref<const Buffer>::Share(read_buffer_.get()));
                HandleEvents();
                break;
        }
    }
    WaitReadable();
}

void Client::HandleEvents() {
    FrameEvent event;
    parsing_paused_ = false;
    while (parser_->Next(event)) {
        HandleEvent(event);
        if (reading_paused()) {
            parsing_paused_ = true;  // more may wait in the input
            return;
        }
    }
}

void Client::HandleEvent(const FrameEvent& event) {
    switch (event.kind) {
        case FrameEvent::Kind::kText:
        case FrameEvent::Kind::kBinary: {
            ++status_.messages_in;
            status_.bytes_in += event.payload.len;
            const bool is_text = event.kind == FrameEvent::Kind::kText;
            ForEachUser([&](ClientListener& user) { user.OnMessage(event.payload, is_text); });
            break;
        }
        case FrameEvent::Kind::kPing: {
            // Too many unanswered ones (the remote does not read): the rest goes without an answer.
            const MaskKey key = writer_.NewKey();
            if (!close_queued_ &&
                writer_.Control(MakeControlFrame(Opcode::kPong, event.payload.view(), &key))) {
                ScheduleFlush();
            }
            break;
        }
        case FrameEvent::Kind::kPong:
            OnPong(event.payload.view());
            break;
        case FrameEvent::Kind::kClose:
            if (close_reason_.empty()) {
                close_reason_ = CloseText(event);
            }
            BeginClosing(event.code, "");
            break;
        case FrameEvent::Kind::kError:
            close_reason_ = fmt::format("the remote broke the WebSocket protocol: {}", event.reason);
            BeginClosing(event.code, event.reason);
            break;
    }
}

void Client::OnPong(std::string_view payload) {
    uint64_t number = 0;
    if (payload.size() != kPingPayload) {
        return;  // unasked for, which is allowed (RFC 6455 5.5.3)
    }
    std::memcpy(&number, payload.data() + 1, sizeof number);
    if (payload.front() == kOrderedPing) {
        // An answer to the latest ping stands for those before it (RFC 6455 5.5.3). What was not sent yet
        // cannot have been answered.
        while (!ordered_pings_.empty() && ordered_pings_.front().number <= number &&
               ordered_pings_.front().sent_ns != 0) {
            const OrderedPing ping = ordered_pings_.front();
            ordered_pings_.pop_front();
            if (ping.user != nullptr) {
                ping.user->OnPong(ping.sequence);
            }
        }
    } else if (payload.front() == kKeepAlivePing && number == ping_counter_ && ping_sent_ns_ != 0) {
        status_.last_round_trip_us = (NowNs() - ping_sent_ns_) / 1000;
        status_.max_round_trip_us = std::max(status_.max_round_trip_us, status_.last_round_trip_us);
        ping_sent_ns_ = 0;
    }
}

// Our close frame, first or in answer, goes behind the frame that is being sent; the queue stays for the next
// connection. The server ends TCP (RFC 6455 7.1.1), or our patience does; what still comes until then is
// read, because closing with unread bytes would reset the connection and could cost the remote our close
// frame.
void Client::BeginClosing(CloseCode code, std::string_view reason) {
    if (close_queued_) {
        return;
    }
    close_queued_ = true;
    phase_ = Phase::kClosing;
    writer_.StopMessages();
    const MaskKey key = writer_.NewKey();
    writer_.Control(MakeCloseFrame(code, reason, &key));
    ping_timer_.Cancel();
    pong_timer_.Cancel();
    phase_timer_.Start(behaviour_.close_timeout_ms, [this] { Lost(close_reason_); });
    ScheduleFlush();
}

// ---- liveness ----

// The first ping of SendPing() that was not sent is with the socket now: they go in order.
void Client::AwaitPong() {
    const auto ping = std::partition_point(ordered_pings_.begin(), ordered_pings_.end(),
                                           [](const OrderedPing& p) { return p.sent_ns != 0; });
    if (ping == ordered_pings_.end()) {
        return;
    }
    ping->sent_ns = std::max<int64_t>(NowNs(), 1);
    // One that is pending runs earlier, for an older ping.
    if (behaviour_.pong_timeout_ms > 0 && phase_ != Phase::kClosing && !pong_timer_.pending()) {
        pong_timer_.Start(behaviour_.pong_timeout_ms, [this] { OnPongTimer(); });
    }
}

// Only its pong ends the wait for an ordered ping: a remote that sends and never answers would let
// unconfirmed messages stand for ever.
void Client::OnPongTimer() {
    if (ordered_pings_.empty() || ordered_pings_.front().sent_ns == 0) {
        return;
    }
    const int64_t now = NowNs();
    int64_t since_ns = std::max(ordered_pings_.front().sent_ns, resumed_ns_);
    if (reading_paused()) {
        since_ns = now;  // the answer could not be seen
    } else if (write_blocked_) {
        since_ns = std::max(since_ns, last_progress_ns_);  // it takes our bytes: it may be on its way there
    }
    const int64_t left_ns = behaviour_.pong_timeout_ms * 1'000'000 - (now - since_ns);
    if (left_ns <= 0) {
        Lost(fmt::format("no answer to a ping within {} ms (pongTimeout)", behaviour_.pong_timeout_ms));
        return;
    }
    pong_timer_.Start((left_ns + 999'999) / 1'000'000, [this] { OnPongTimer(); });
}

void Client::OnPingTimer() {
    const int64_t now = NowNs();
    const int64_t interval_ns = behaviour_.ping_interval_ms * 1'000'000;
    const int64_t timeout_ns = behaviour_.pong_timeout_ms * 1'000'000;
    // A remote that takes our bytes lives, even when a long queue stands before the ping.
    const int64_t alive_ns =
        write_blocked_ ? std::max(last_received_ns_, last_progress_ns_) : last_received_ns_;
    int64_t next_ns = interval_ns;
    if (reading_paused()) {
        ping_sent_ns_ = 0;  // the answer could not be seen
    } else if (ping_sent_ns_ != 0 && alive_ns <= ping_sent_ns_) {
        if (now - ping_sent_ns_ >= timeout_ns) {
            Lost(fmt::format("no answer to a ping within {} ms (pongTimeout)", behaviour_.pong_timeout_ms));
            return;
        }
        next_ns = timeout_ns - (now - ping_sent_ns_);
    } else if (now - alive_ns >= interval_ns) {
        const MaskKey key = writer_.NewKey();
        const std::string payload = PingPayload(kKeepAlivePing, ++ping_counter_);
        if (writer_.Control(MakeControlFrame(Opcode::kPing, payload, &key))) {
            ScheduleFlush();
            ping_sent_ns_ = timeout_ns > 0 ? now : 0;
            next_ns = timeout_ns > 0 ? timeout_ns : interval_ns;
        }
    } else {
        ping_sent_ns_ = 0;
        next_ns = interval_ns - (now - alive_ns);
    }
    ping_timer_.Start((next_ns + 999'999) / 1'000'000, [this] { OnPingTimer(); });
}

// ---- flow control of the remote ----

void Client::PauseReading(ClientListener& user) {
    if (User* entry = Find(user); entry != nullptr && !std::exchange(entry->paused, true)) {
        ++paused_users_;
    }
}

void Client::ResumeReading(ClientListener& user) {
    User* entry = Find(user);
    if (entry == nullptr || !std::exchange(entry->paused, false) || --paused_users_ > 0) {
        return;
    }
    last_received_ns_ = resumed_ns_ = NowNs();  // silence was our doing
    environment_.scheduler->Post([this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired() || !parser_ || reading_paused()) {
            return;
        }
        if (parsing_paused_) {
            HandleEvents();
        }
        WaitReadable();
    });
}

}  // namespace haumea::ws
