#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/loop.h"
#include "ws/client.h"
#include "ws/client_settings.h"

namespace haumea::ws {

class ClientPool;

// A share in a connection, and the user's way to it. Releasing the last share of a connection ends it
// politely. Home loop only; not longer than the pool.
class ClientRef {
  public:
    ClientRef() = default;
    ClientRef(ClientRef&& other) noexcept { Swap(other); }
    ClientRef& operator=(ClientRef&& other) noexcept {
        ClientRef(std::move(other)).Swap(*this);
        return *this;
    }
    ~ClientRef() { Reset(); }

    void Reset();
    explicit operator bool() const noexcept { return client_ != nullptr; }
    Client* operator->() const noexcept { return client_; }
    Client& operator*() const noexcept { return *client_; }
    // Settings that this user wanted otherwise than the one who came first.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  private:
    friend class ClientPool;
    void Swap(ClientRef& other) noexcept;

    ClientPool* pool_ = nullptr;
    Client* client_ = nullptr;
    ClientListener* listener_ = nullptr;
    std::vector<std::string> warnings_;
};

// The client connections of a loop: users with equal targets share one. Owned by the engine, outlives its
// shares. Home loop only.
class ClientPool {
  public:
    using ProbeCallback = std::function<void(Result<>)>;

    // `public_only`: remotes (or their proxies) in private networks are refused, whatever their name.
    explicit ClientPool(io::Loop& loop, bool public_only = false);
    // Cuts what is still connected; wait for OnIdle() after the last release for a polite end.
    ~ClientPool();
    ClientPool(const ClientPool&) = delete;
    ClientPool& operator=(const ClientPool&) = delete;

    // Joins or makes the connection to `target`; dialling goes on in the background. Fails only on what can
    // never work: path, headers, subprotocols, certificates. `listener` lives until the share is released.
    Result<ClientRef> Acquire(const ClientTarget& target, const ClientBehaviour& behaviour,
                              ClientListener& listener);

    // Connects once on a connection of its own, pings, says goodbye and reports, after connectTimeout at the
    // latest: a remote that is slow to say goodbye gets its closeTimeout in the background. The error says
    // which step failed. The callback comes once, never from inside the call, and not after the pool has
    // gone.
    void Probe(const ClientTarget& target, const ClientBehaviour& behaviour, ProbeCallback done);

    // What a remote is told when the last share of its connection is released, from now on.
    void SetFarewell(CloseCode code, std::string reason);
    // Ends every probe politely and soon; their callbacks get an error.
    void CancelProbes();

    // Connections shared at the moment.
    std::vector<const Client*> clients() const;
    // Of one of them: its URL, with "#2" and so on behind it when connections that differ in something else
    // have the same. Stays the same while it lives.
    std::string name(const Client& client) const;
    // How many users share that one; 0 when it is none of them.
    size_t shares(const Client& client) const noexcept;
    // Nothing is connected, ending or probing.
    bool idle() const noexcept { return entries_.empty() && ending_.empty() && probes_.empty(); }
    // Runs `callback` once, in a later turn, as soon as the pool is idle; replaces one that still waits.
    void OnIdle(std::function<void()> callback);

  private:
    friend class ClientRef;
    class ProbeRun;
    struct Entry {
        std::unique_ptr<Client> client;
        size_t shares = 0;
        int number = 1;  // among those with the same URL
    };

    Result<std::unique_ptr<Client>> Make(const ClientTarget& target, const ClientBehaviour& behaviour,
                                         bool quiet);
    int FreeNumber(const std::string& url) const;
    void Release(Client& client, ClientListener& listener);
    // Says goodbye; the object goes when that is over.
    void End(std::unique_ptr<Client> client);
    void TellIfIdle();

    io::Loop& loop_;
    bool public_only_;
    std::list<Entry> entries_;
    std::list<std::unique_ptr<Client>> ending_;
    std::list<std::unique_ptr<ProbeRun>> probes_;
    CloseCode farewell_code_ = CloseCode::kNormal;
    std::string farewell_ = "no rule needs the connection any more";
    std::function<void()> on_idle_;
    // Posted tasks hold it weakly.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace haumea::ws
