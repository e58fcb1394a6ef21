#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "connectors/websocket/websocket_config.h"
#include "io/loop.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::engine {

// Answers whether a WebSocket connection is possible, or exists, at this moment: the connectivity check of
// REST and `checkConnection` of rules. The data loop dials, the control thread waits. Owned by the engine;
// control thread only, except for Abort.
class Connectivity {
  public:
    // `server` and `clients` live on `data_loop` and, like it, outlive the last call.
    Connectivity(io::Loop& data_loop, ws::Server& server, ws::ClientPool& clients)
        : loop_(&data_loop), server_(&server), clients_(&clients) {}

    // What was asked with a Patience, in order.
    struct Questions;

    // While one exists somebody waits for the answer: Require may take as long as a handshake. Without one it
    // answers at once, see there.
    //
    // Who can ask again later does not hold up the control thread: with `memory`, which is this one's own and
    // lives from one asking to the next, a dial that is under way is an error for now, postponed() says so,
    // and the callback of OnAnswer tells when to ask the same questions again.
    class Patience {
      public:
        explicit Patience(Connectivity& owner, std::shared_ptr<void>* memory = nullptr);
        ~Patience();
        Patience(const Patience&) = delete;
        Patience& operator=(const Patience&) = delete;

        bool postponed() const noexcept { return static_cast<bool>(answered_); }
        // Has the dial ended that was under way? Empty when none was. Any thread, as long as one likes.
        const std::function<bool()>& answered() const noexcept { return answered_; }

      private:
        friend class Connectivity;
        Connectivity* owner_;
        Patience* outer_;
        Questions* questions_ = nullptr;  // in *memory; null: the thread waits
        size_t next_ = 0;                 // question in this asking
        std::function<bool()> answered_;
    };

    // Client role: handshake, ping, goodbye. Server role: the data server can listen. Nothing remains.
    Result<void> Check(const connectors::WebSocketConfig& config);
    // What `checkConnection` demands; the error has code kIo. Rules that are started again and again until a
    // connection exists must not hold up the control thread: without Patience a dial goes on in the
    // background, the answer is an error until it has succeeded, and `user` (rule and action) tells whose it
    // is.
    Result<void> Require(const std::string& user, const connectors::WebSocketConfig& config);
    // Runs on the data loop whenever a dial in the background has ended: who asks again gets this answer. Set
    // before the first question.
    using AnswerCallback = std::function<void(const Result<void>&)>;
    void OnAnswer(AnswerCallback callback) { on_answer_ = std::move(callback); }

    // The engine is stopping: whoever waits, or will wait, is told so. Any thread.
    void Abort();

  private:
    // Of one dial; filled on the data loop.
    struct Outcome;
    struct Background {
        std::shared_ptr<Outcome> dial;
        std::string last_error;  // of the dial before
    };

    // `ended` (may be null) runs on the data loop.
    std::shared_ptr<Outcome> Dial(const connectors::WebSocketConfig& config, AnswerCallback ended);
    // Of somebody who can ask again.
    Result<void> CheckLater(const connectors::WebSocketConfig& config, Patience& patience);
    Result<void> RequireSoon(const std::string& user, const connectors::WebSocketConfig& config);
    void ForgetOld();

    io::Loop* loop_;
    ws::Server* server_;
    ws::ClientPool* clients_;
    AnswerCallback on_answer_;
    Patience* patience_ = nullptr;  // the innermost
    std::mutex mutex_;              // protects stopping_ and awaited_
    bool stopping_ = false;
    std::shared_ptr<Outcome> awaited_;         // by the control thread
    std::map<std::string, Background> dials_;  // by user and remote
};

}  // namespace haumea::engine
