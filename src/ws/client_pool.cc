#include "ws/client_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "ws/client_dial.h"

namespace haumea::ws {

// ---- shares ----

void ClientRef::Reset() {
    if (client_ != nullptr) {
        pool_->Release(*std::exchange(client_, nullptr), *listener_);
    }
}

void ClientRef::Swap(ClientRef& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(client_, other.client_);
    std::swap(listener_, other.listener_);
    std::swap(warnings_, other.warnings_);
}

// ---- probes ----

// One connectivity check: a connection of its own until its ping was answered or its first attempt has
// failed.
class ClientPool::ProbeRun final : public ClientListener {
  public:
    ProbeRun(ClientPool& pool, std::unique_ptr<Client> client, ProbeCallback done)
        : pool_(pool), client_(std::move(client)), done_(std::move(done)), deadline_(pool.loop_) {
        client_->Attach(*this);
        deadline_.Start(client_->behaviour().connect_timeout_ms, [this] {
            if (finished_) {
                Report();  // a goodbye that takes longer goes on without anybody waiting for it
                return;
            }
            const bool connected = client_->connected();
            Finish(Failf("{}: {} within {} ms (connectTimeout)", connected ? "WebSocket" : "connect",
                         connected ? "the server has not answered a ping" : "no connection",
                         client_->behaviour().connect_timeout_ms));
            Report();
        });
        client_->Start();
    }

    void OnState(const ClientStatus& status) override {
        switch (status.state) {
            case ClientState::kConnected:
                client_->SendPing(*this, 0);
                break;
            case ClientState::kConnecting:
            case ClientState::kDisconnected:
                Finish(Fail(Error(ErrorCode::kIo, status.last_error)));
                break;
            case ClientState::kClosed:
                deadline_.Cancel();
                Report();
                Leave();
                break;
        }
    }
    void OnPong(uint64_t /*sequence*/) override { Finish({}); }
    void Cancel() { Finish(Failf("cancelled")); }

  private:
    // A callback of the client may be running: it ends later. The result is reported when that is over, so
    // that no side effect remains when the caller goes on, or at the deadline.
    void Finish(Result<> result) {
        if (!finished_) {
            finished_ = true;
            result_ = std::move(result);
            client_->Close([] {});
        }
    }
    void Report() {
        if (!done_) {
            return;
        }
        pool_.loop_.Post([done = std::exchange(done_, nullptr), result = std::move(result_),
                          alive = std::weak_ptr<int>(pool_.alive_)] {
            if (!alive.expired()) {
                done(result);
            }
        });
    }
    void Leave() {
        pool_.loop_.Post([this, alive = std::weak_ptr<int>(pool_.alive_)] {
            if (!alive.expired()) {
                ClientPool& pool = pool_;
                pool.probes_.remove_if([this](const auto& probe) { return probe.get() == this; });
                pool.TellIfIdle();
            }
        });
    }

    ClientPool& pool_;
    std::unique_ptr<Client> client_;
    ProbeCallback done_;
    io::Timer deadline_;
    bool finished_ = false;
    Result<> result_;
};

// ---- pool ----

ClientPool::ClientPool(io::Loop& loop, bool public_only) : loop_(loop), public_only_(public_only) {}

ClientPool::~ClientPool() = default;

Result<std::unique_ptr<Client>> ClientPool::Make(const ClientTarget& target, const ClientBehaviour& behaviour,
                                                 bool quiet) {
    HAUMEA_TRY_VOID(Client::Check(target));
    HAUMEA_TRY(Client::Connect connect, MakeDialer(loop_, target, behaviour.write_timeout_ms, public_only_));
    Client::Environment environment;
    environment.scheduler = &loop_;
    environment.at_turn_end = [&loop = loop_](io::Scheduler::Task task) { loop.OnTurnEnd(std::move(task)); };
    environment.connect = std::move(connect);
    environment.quiet = quiet;
    return std::make_unique<Client>(std::move(environment), target, behaviour);
}

Result<ClientRef> ClientPool::Acquire(const ClientTarget& target, const ClientBehaviour& behaviour,
                                      ClientListener& listener) {
    HAUMEA_ASSERT_LOOP(loop_);
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& e) { return e.client->target() == target; });
    ClientRef ref;
    if (entry == entries_.end()) {
        HAUMEA_TRY(auto client, Make(target, behaviour, false));
        entry = entries_.insert(entries_.end(), Entry{std::move(client), 0, FreeNumber(target.Url())});
        entry->client->Start();
    } else {
        ref.warnings_ = DifferingSettings(entry->client->behaviour(), behaviour);
    }
    ++entry->shares;
    entry->client->Attach(listener);
    ref.pool_ = this;
    ref.client_ = entry->client.get();
    ref.listener_ = &listener;
    return ref;
}

void ClientPool::Release(Client& client, ClientListener& listener) {
    HAUMEA_ASSERT_LOOP(loop_);
    client.Detach(listener);
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.client.get() == &client; });
    HAUMEA_CHECK(entry != entries_.end());
    if (--entry->shares == 0) {
        std::unique_ptr<Client> last = std::move(entry->client);
        entries_.erase(entry);
        End(std::move(last));
    }
}

void ClientPool::End(std::unique_ptr<Client> client) {
    Client* const ending = client.get();
    ending_.push_back(std::move(client));
    ending->SetFarewell(farewell_code_, farewell_);
    ending->Close([this, ending] {
        ending_.remove_if([ending](const auto& entry) { return entry.get() == ending; });
        TellIfIdle();
    });
}

void ClientPool::SetFarewell(CloseCode code, std::string reason) {
    farewell_code_ = code;
    farewell_ = std::move(reason);
}

void ClientPool::OnIdle(std::function<void()> callback) {
    HAUMEA_ASSERT_LOOP(loop_);
    on_idle_ = std::move(callback);
    TellIfIdle();
}

// From a task of its own: a callback of a client may be running.
void ClientPool::TellIfIdle() {
    if (on_idle_ && idle()) {
        loop_.Post([this, alive = std::weak_ptr<int>(alive_)] {
            if (!alive.expired() && on_idle_ && idle()) {
                std::exchange(on_idle_, nullptr)();
            }
        });
    }
}

void ClientPool::Probe(const ClientTarget& target, const ClientBehaviour& behaviour, ProbeCallback done) {
    HAUMEA_ASSERT_LOOP(loop_);
    auto made = Make(target, behaviour, true);
    if (!made) {
        loop_.Post([done = std::move(done), error = made.error(), alive = std::weak_ptr<int>(alive_)] {
            if (!alive.expired()) {
                done(Fail(error));
            }
        });
        return;
    }
    probes_.push_back(std::make_unique<ProbeRun>(*this, std::move(*made), std::move(done)));
}

void ClientPool::CancelProbes() {
    HAUMEA_ASSERT_LOOP(loop_);
    for (const auto& probe : probes_) {
        probe->Cancel();  // reported in a later turn
    }
}

int ClientPool::FreeNumber(const std::string& url) const {
    int number = 1;
    const auto taken = [&](const Entry& entry) {
        return entry.number == number && entry.client->target().Url() == url;
    };
    while (std::any_of(entries_.begin(), entries_.end(), taken)) {
        ++number;
    }
    return number;
}

std::string ClientPool::name(const Client& client) const {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.client.get() == &client; });
    const std::string url = client.target().Url();
    return entry == entries_.end() || entry->number == 1 ? url : fmt::format("{}#{}", url, entry->number);
}

size_t ClientPool::shares(const Client& client) const noexcept {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.client.get() == &client; });
    return entry == entries_.end() ? 0 : entry->shares;
}

std::vector<const Client*> ClientPool::clients() const {
    std::vector<const Client*> result;
    result.reserve(entries_.size());
    for (const Entry& entry : entries_) {
        result.push_back(entry.client.get());
    }
    return result;
}

}  // namespace haumea::ws
