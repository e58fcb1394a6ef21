#include "ws/endpoint.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "ws/server.h"
#include "ws/session.h"

namespace haumea::ws {
namespace {

constexpr int64_t kMinSweepMs = 10;
constexpr int64_t kMaxSweepMs = 1000;
constexpr int64_t kSlowWarningEveryMs = 1000;

// One timer looks after the pings of all clients: a quarter of the shortest time that matters.
int64_t SweepInterval(const EndpointSettings& settings) {
    int64_t shortest = 4 * kMaxSweepMs;
    for (const int64_t time : {settings.ping_interval_ms, settings.pong_timeout_ms}) {
        shortest = time > 0 ? std::min(shortest, time) : shortest;
    }
    return std::clamp(shortest / 4, kMinSweepMs, kMaxSweepMs);
}

}  // namespace

void EndpointSettings::Complete(const EndpointSettings& other) {
    static const EndpointSettings kDefault;
    const auto take = [&](auto member) {
        if (this->*member == kDefault.*member) {
            this->*member = other.*member;
        }
    };
    const auto take_limit = [&](auto limit) {
        if (backlog.*limit == kDefault.backlog.*limit) {
            backlog.*limit = other.backlog.*limit;
        }
    };
    take_limit(&BacklogLimits::messages);
    take_limit(&BacklogLimits::bytes);
    take(&EndpointSettings::slow_consumer);
    take(&EndpointSettings::block_timeout_ms);
    take(&EndpointSettings::ping_interval_ms);
    take(&EndpointSettings::pong_timeout_ms);
    take(&EndpointSettings::close_timeout_ms);
    take(&EndpointSettings::max_message_bytes);
    take(&EndpointSettings::max_clients);
    take(&EndpointSettings::max_control_frames_per_second);
    take(&EndpointSettings::max_fragments);
    take(&EndpointSettings::permessage_deflate);
    take(&EndpointSettings::deflate);
    take(&EndpointSettings::subprotocols);
    for (const std::string& name : other.metadata_headers) {
        if (std::find(metadata_headers.begin(), metadata_headers.end(), name) == metadata_headers.end()) {
            metadata_headers.push_back(name);
        }
    }
}

std::vector<std::string_view> EndpointSettings::DifferingFrom(const EndpointSettings& other) const {
    static const EndpointSettings kDefault;
    std::vector<std::string_view> names;
    const auto look = [&](std::string_view name, const auto& mine, const auto& its, const auto& usual) {
        if (mine != usual && mine != its) {
            names.push_back(name);
        }
    };
    look("backlogMessages", backlog.messages, other.backlog.messages, kDefault.backlog.messages);
    look("backlogBytes", backlog.bytes, other.backlog.bytes, kDefault.backlog.bytes);
    const auto compare = [&](std::string_view name, auto member) {
        look(name, this->*member, other.*member, kDefault.*member);
    };
    compare("slowConsumer", &EndpointSettings::slow_consumer);
    compare("blockTimeout", &EndpointSettings::block_timeout_ms);
    compare("pingInterval", &EndpointSettings::ping_interval_ms);
    compare("pongTimeout", &EndpointSettings::pong_timeout_ms);
    compare("closeTimeout", &EndpointSettings::close_timeout_ms);
    compare("maxMessageBytes", &EndpointSettings::max_message_bytes);
    compare("maxClients", &EndpointSettings::max_clients);
    compare("maxControlFramesPerSecond", &EndpointSettings::max_control_frames_per_second);
    compare("maxFragments", &EndpointSettings::max_fragments);
    compare("permessageDeflate", &EndpointSettings::deflate);
    compare("subprotocols", &EndpointSettings::subprotocols);
    return names;
}

Endpoint::Endpoint(ServerContext& context, std::string path)
    : context_(&context),
      path_(std::move(path)),
      hub_(context, {}, [this] { NotifyReady(); }),
      sweep_timer_(*context.scheduler),
      self_(std::make_shared<Endpoint*>(this)) {
    stats_.since_ms = context.scheduler->clock().NowMs();
}

Endpoint::~Endpoint() { *self_ = nullptr; }

std::vector<std::string> Endpoint::holders() const {
    std::vector<std::string> names;
    for (const auto& holder : holders_) {
        if (holder->id != 0) {
            names.push_back(holder->name);
        }
    }
    return names;
}

size_t Endpoint::client_count() const noexcept { return open_clients_; }

Publication Endpoint::Publish(Ref<const PreparedFrame> frame) noexcept {
    return hub_.Publish(std::move(frame));
}

Publication Endpoint::Publish(BufferView payload, bool is_text) noexcept {
    SharedDeflaters& deflaters = own_deflaters_ ? *own_deflaters_ : context_->deflaters;
    return hub_.Publish(PreparedFrame::Make(
        is_text ? Opcode::kText : Opcode::kBinary, std::move(payload),
        {.forms = hub_.forms(), .deflaters = &deflaters, .threshold = settings_.deflate.threshold}));
}

EndpointStats Endpoint::stats() {
    EndpointStats stats = stats_;
    stats.hub = hub_.stats();
    stats.clients = open_clients_;
    return stats;
}

std::vector<ClientSnapshot> Endpoint::clients() {
    hub_.BringUpToDate();
    std::vector<ClientSnapshot> list;
    for (const auto& session : sessions_) {
        if (session->open()) {
            const ClientInfo& client = session->client();
            const BacklogLimits backlog = hub_.Backlog(*session);
            list.push_back({.id = client.id,
                            .remote_address = client.remote_address,
                            .path = client.path,
                            .since_ms = client.since_ms,
                            .backlog_messages = backlog.messages,
                            .backlog_bytes = backlog.bytes,
                            .dropped = session->dropped(),
                            .messages_in = session->messages_in(),
                            .ping_rtt_us = session->ping_rtt_us()});
        }
    }
    return list;
}

bool Endpoint::Kick(uint64_t client_id, std::string_view reason) {
    const auto is_it = [client_id](const auto& session) {
        return session->open() && session->client().id == client_id;
    };
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), is_it);
    if (found == sessions_.end()) {
        return false;
    }
    ++stats_.kicked;
    (*found)->Close(CloseCode::kPolicyViolation, reason, Hub::Waiting::kDrop);
    return true;
}

uint64_t Endpoint::AddHolder(std::string name, const EndpointSettings& settings) {
    const uint64_t id = ++last_holder_id_;
    holders_.push_back(std::make_unique<Holder>(
        Holder{.id = id, .name = std::move(name), .settings = settings, .ready = {}}));
    ApplySettings();
    return id;
}

void Endpoint::ApplySettings() {
    EndpointSettings settings;
    bool held = false;
    for (const auto& holder : holders_) {
        if (holder->id != 0) {
            settings.Complete(holder->settings);
            held = true;
        }
    }
    if (!held || settings == settings_) {
        return;
    }
    if (settings.deflate.level != settings_.deflate.level) {
        own_deflaters_ = settings.deflate.level == DeflateTuning{}.level
                             ? nullptr
                             : std::make_unique<SharedDeflaters>(settings.deflate.level);
    }
    settings_ = std::move(settings);
    hub_.Set({.limits = settings_.backlog,
              .policy = settings_.slow_consumer,
              .block_timeout_ms = settings_.block_timeout_ms});
    sweep_timer_.Cancel();
    ScheduleSweep();
}

void Endpoint::RemoveHolder(uint64_t id) {
    if (Holder* holder = FindHolder(id)) {
        SetPaused(*holder, false);
        listeners_ -= holder->listener != nullptr ? 1 : 0;
        holder->listener = nullptr;
        holder->ready = nullptr;
        holder->id = 0;
        ApplySettings();
        RemoveReleased();
    }
}

void Endpoint::RemoveReleased() {
    if (calls_ == 0) {
        std::erase_if(holders_, [](const auto& holder) { return holder->id == 0; });
    }
}

Endpoint::Holder* Endpoint::FindHolder(uint64_t id) noexcept {
    const auto found =
        std::find_if(holders_.begin(), holders_.end(), [id](const auto& holder) { return holder->id == id; });
    return found == holders_.end() || id == 0 ? nullptr : found->get();
}

void Endpoint::AddClient(std::unique_ptr<io::Stream> stream, ClientInfo client, const DeflateParams& deflate,
                         std::string_view response, std::string_view early) {
    sessions_.push_back(
        std::make_unique<Session>(*this, *context_, std::move(stream), std::move(client), deflate));
    Session& session = *sessions_.back();
    session.index_ = sessions_.size() - 1;
    ++open_clients_;
    ++stats_.connected_total;
    session.Start(response);
    // The answer may have found the connection broken: whoever hears of that has to have heard of the client.
    const bool gone = !session.open();
    session.announced_ = true;
    ForEachListener([&](Holder& holder) { holder.listener->OnConnect(session.client()); });
    if (gone) {
        TellGone(session);
    }
    session.Begin(early);
    hub_.RequestReady();
    ScheduleSweep();
}

void Endpoint::CloseAll(CloseCode code, std::string_view reason) {
    closing_ = true;
    kept_ = false;
    for (size_t i = 0; i < sessions_.size(); ++i) {
        sessions_[i]->Close(code, reason, Hub::Waiting::kSend);
    }
}

template <typename Call>
void Endpoint::ForEachListener(const Call& call) {
    ++calls_;
    for (size_t i = 0; i < holders_.size(); ++i) {
        if (holders_[i]->listener != nullptr) {
            call(*holders_[i]);
        }
    }
    --calls_;
    RemoveReleased();
}

Intake Endpoint::Deliver(const BufferView& payload, bool is_text, const ClientInfo& client) noexcept {
    ++stats_.messages_in;
    stats_.bytes_in += payload.len;
    if (listeners_ == 0) {
        ++stats_.messages_ignored;
        return Intake::kContinue;
    }
    ForEachListener([&](Holder& holder) {
        if (holder.listener->OnMessage(payload, is_text, client) == Intake::kPause && holder.id != 0) {
            SetPaused(holder, true);
        }
    });
    return paused() ? Intake::kPause : Intake::kContinue;
}

void Endpoint::SetKept(bool kept) {
    if (std::exchange(kept_, kept) && !kept) {
        Post(&Endpoint::ResumeSessions);
    }
}

void Endpoint::SetPaused(Holder& holder, bool paused) {
    if (std::exchange(holder.paused, paused) == paused) {
        return;
    }
    paused_holders_ += paused ? 1 : -1;
    if (paused_holders_ == 0) {
        Post(&Endpoint::ResumeSessions);
    }
}

void Endpoint::ResumeSessions() {
    for (size_t i = 0; i < sessions_.size();) {
        Session& session = *sessions_[i];
        if (!paused() || !session.open()) {
            session.Resume();
        }
        i += i < sessions_.size() && sessions_[i].get() == &session ? 1 : 0;  // it may have finished
    }
}

// A session no longer takes part: told once, before its connection is over.
void Endpoint::Closing(Session& session) {
    --open_clients_;
    if (session.announced_) {
        TellGone(session);
    }
}

void Endpoint::TellGone(Session& session) {
    ForEachListener([&](Holder& holder) {
        holder.listener->OnDisconnect(session.client(), session.end_code(), session.end_reason());
    });
}

void Endpoint::Finished(Session& session) {
    const size_t index = session.index_;
    context_->server->ClientGone(session.client());
    finished_.push_back(std::move(sessions_[index]));
    if (index + 1 != sessions_.size()) {
        sessions_[index] = std::move(sessions_.back());
        sessions_[index]->index_ = index;
    }
    sessions_.pop_back();
    if (finished_.size() == 1) {
        Post(&Endpoint::Reap);
    }
}

void Endpoint::Reap() {
    finished_.clear();
    if (sessions_.empty()) {
        sweep_timer_.Cancel();
        if (closing_) {
            context_->server->EndpointDrained(*this);
        }
    }
}

void Endpoint::Post(void (Endpoint::*method)()) {
    context_->scheduler->Post([weak = std::weak_ptr<Endpoint*>(self_), method] {
        if (const auto self = weak.lock()) {
            ((*self)->*method)();
        }
    });
}

void Endpoint::NotifyReady() {
    for (const auto& holder : holders_) {
        if (holder->ready) {
            context_->scheduler->Post([weak = std::weak_ptr<Endpoint*>(self_), id = holder->id] {
                const auto self = weak.lock();
                Holder* found = self ? (*self)->FindHolder(id) : nullptr;
                if (found != nullptr && found->ready) {
                    std::exchange(found->ready, nullptr)();
                }
            });
        }
    }
}

void Endpoint::ScheduleSweep() {
    if (!sweep_timer_.pending() && !sessions_.empty()) {
        sweep_timer_.Start(SweepInterval(settings_), [this] { Sweep(); });
    }
}

void Endpoint::Sweep() {
    const int64_t now_ms = context_->scheduler->clock().MonotonicNs() / 1'000'000;
    for (size_t i = 0; i < sessions_.size();) {
        Session& session = *sessions_[i];
        session.Tick(now_ms);
        i += i < sessions_.size() && sessions_[i].get() == &session ? 1 : 0;  // it may have finished
    }
    ScheduleSweep();
}

// Once for each transition of a client, but not for thousands of them at a time.
void Endpoint::WarnSlow(const ClientInfo& client, std::string_view consequence) {
    const int64_t now_ms = context_->scheduler->clock().MonotonicNs() / 1'000'000;
    if (last_slow_warning_ms_ != 0 && now_ms - last_slow_warning_ms_ < kSlowWarningEveryMs) {
        ++slow_warnings_held_;
        return;
    }
    last_slow_warning_ms_ = std::max<int64_t>(now_ms, 1);
    log::Warn(
        "websocket endpoint {}: slow client {}: {} (backlogMessages {}, backlogBytes {}; {} further slow "
        "clients since the last warning)",
        path_, client.remote_address, consequence, settings_.backlog.messages, settings_.backlog.bytes,
        std::exchange(slow_warnings_held_, 0));
}

void Endpoint::NotePing(int64_t rtt_us) noexcept {
    stats_.ping_rtt_us_last = rtt_us;
    stats_.ping_rtt_us_max = std::max(stats_.ping_rtt_us_max, rtt_us);
}

EndpointRef::EndpointRef(EndpointRef&& other) noexcept
    : server_(other.server_),
      endpoint_(std::exchange(other.endpoint_, nullptr)),
      holder_(other.holder_),
      warning_(std::move(other.warning_)) {}

EndpointRef& EndpointRef::operator=(EndpointRef&& other) noexcept {
    if (this != &other) {
        Reset();
        server_ = other.server_;
        endpoint_ = std::exchange(other.endpoint_, nullptr);
        holder_ = other.holder_;
        warning_ = std::move(other.warning_);
    }
    return *this;
}

void EndpointRef::Subscribe(EndpointListener* listener) {
    if (Endpoint::Holder* holder = endpoint_->FindHolder(holder_)) {
        endpoint_->listeners_ += listener != nullptr ? 1 : 0;
        endpoint_->listeners_ -= holder->listener != nullptr ? 1 : 0;
        holder->listener = listener;
        if (listener == nullptr) {
            endpoint_->SetPaused(*holder, false);
        }
    }
}

void EndpointRef::Resume() {
    if (Endpoint::Holder* holder = endpoint_->FindHolder(holder_)) {
        endpoint_->SetPaused(*holder, false);
    }
}

void EndpointRef::WhenReady(std::function<void()> ready) {
    if (Endpoint::Holder* holder = endpoint_->FindHolder(holder_)) {
        holder->ready = std::move(ready);
        if (endpoint_->open_clients_ != 0) {
            endpoint_->hub_.RequestReady();
        }
    }
}

void EndpointRef::WhenRoom(std::function<void()> ready) {
    if (Endpoint::Holder* holder = endpoint_->FindHolder(holder_)) {
        holder->ready = std::move(ready);
        endpoint_->hub_.RequestRoom();
    }
}

void EndpointRef::Reset() {
    if (Endpoint* endpoint = std::exchange(endpoint_, nullptr)) {
        server_->Release(*endpoint, holder_);
    }
}

}  // namespace haumea::ws
