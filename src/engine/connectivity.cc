#include "engine/connectivity.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "connectors/websocket/websocket_check.h"

namespace haumea::engine {
namespace {

// REST answers one request at a time: a remote that says nothing may not hold it up for longer.
constexpr int64_t kLongestDialMs = 30'000;
constexpr int64_t kSlackMs = 1'000;
// Outcomes of rules that do not ask any more.
constexpr size_t kManyDials = 64;

Error AsIo(Error error) { return std::move(error).WithCode(ErrorCode::kIo); }

}  // namespace

struct Connectivity::Outcome {
    std::mutex mutex;  // protects result
    std::condition_variable arrived;
    std::optional<Result<void>> result;
    int64_t limit_ms = 0;

    void Set(Result<void> value) {
        const std::lock_guard lock(mutex);
        if (!result) {
            result = std::move(value);
            arrived.notify_all();
        }
    }
    std::optional<Result<void>> WaitMs(int64_t milliseconds) {
        std::unique_lock lock(mutex);
        arrived.wait_for(lock, std::chrono::milliseconds(milliseconds),
                         [this] { return result.has_value(); });
        return result;
    }
};

struct Connectivity::Questions {
    struct Question {
        ws::ClientTarget target;
        std::shared_ptr<Outcome> dial;
    };
    std::vector<Question> asked;
};

Connectivity::Patience::Patience(Connectivity& owner, std::shared_ptr<void>* memory)
    : owner_(&owner), outer_(std::exchange(owner.patience_, this)) {
    if (memory != nullptr) {
        if (*memory == nullptr) {
            *memory = std::make_shared<Questions>();
        }
        questions_ = static_cast<Questions*>(memory->get());
    }
}

Connectivity::Patience::~Patience() { owner_->patience_ = outer_; }

std::shared_ptr<Connectivity::Outcome> Connectivity::Dial(const connectors::WebSocketConfig& config,
                                                          AnswerCallback ended) {
    auto outcome = std::make_shared<Outcome>();
    ws::ClientBehaviour behaviour = config.behaviour;
    behaviour.connect_timeout_ms = std::min(behaviour.connect_timeout_ms, kLongestDialMs);
    behaviour.close_timeout_ms = std::min(behaviour.close_timeout_ms, kLongestDialMs);
    outcome->limit_ms = behaviour.connect_timeout_ms + behaviour.close_timeout_ms + kSlackMs;
    const bool posted = loop_->RunSync([&] {
        clients_->Probe(config.target, behaviour, [outcome, ended = std::move(ended)](Result<> result) {
            outcome->Set(result);
            if (ended) {
                ended(result);
            }
        });
    });
    if (!posted) {
        outcome->Set(Failf("the engine is stopping"));
    }
    return outcome;
}

Result<void> Connectivity::Check(const connectors::WebSocketConfig& config) {
    if (!config.client_role) {
        Result<void> result = Failf("the engine is stopping");
        loop_->RunSync([&] { result = server_->Check(); });
        return result;
    }
    if (patience_ != nullptr && patience_->questions_ != nullptr) {
        return CheckLater(config, *patience_);
    }
    const auto outcome = Dial(config, nullptr);
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            return Failf("the engine is stopping");
        }
        awaited_ = outcome;
    }
    auto result = outcome->WaitMs(outcome->limit_ms);
    const std::lock_guard lock(mutex_);
    awaited_.reset();
    if (result) {
        return std::move(*result);
    }
    return Failf("{}: no answer within {} ms", config.target.Url(), outcome->limit_ms);
}

Result<void> Connectivity::CheckLater(const connectors::WebSocketConfig& config, Patience& patience) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            return Failf("the engine is stopping");
        }
    }
    auto& asked = patience.questions_->asked;
    const size_t number = patience.next_++;
    // Something else than the last time: what it depends on has changed meanwhile.
    if (number < asked.size() && !(asked[number].target == config.target)) {
        asked.resize(number);
    }
    if (number == asked.size()) {
        asked.push_back({config.target, Dial(config, on_answer_)});
    }
    if (auto result = asked[number].dial->WaitMs(0)) {
        return std::move(*result);
    }
    patience.answered_ = [dial = asked[number].dial] { return dial->WaitMs(0).has_value(); };
    return Fail(Errorf(ErrorCode::kIo, "waits for the connection to {}", config.target.Url()));
}

Result<void> Connectivity::Require(const std::string& user, const connectors::WebSocketConfig& config) {
    if (!config.client_role) {
        Result<void> result = Fail(Error(ErrorCode::kIo, "the engine is stopping"));
        loop_->RunSync([&] { result = connectors::CheckEndpointConnected(config, *server_); });
        return result;
    }
    if (patience_ == nullptr) {
        return RequireSoon(fmt::format("{} {}", user, config.target.Url()), config);
    }
    auto result = Check(config);
    return result ? std::move(result) : Fail(AsIo(std::move(result.error())));
}

Result<void> Connectivity::RequireSoon(const std::string& user, const connectors::WebSocketConfig& config) {
    const auto found = dials_.find(user);
    if (found == dials_.end()) {
        ForgetOld();
        dials_.emplace(user, Background{Dial(config, on_answer_), ""});
        return Fail(Errorf(ErrorCode::kIo, "waits for the connection to {}", config.target.Url()));
    }
    Background& background = found->second;
    if (auto result = background.dial->WaitMs(0)) {
        if (*result) {
            dials_.erase(found);
            return {};
        }
        background = {Dial(config, on_answer_), std::move(result->error().message)};
    }
    if (background.last_error.empty()) {
        return Fail(Errorf(ErrorCode::kIo, "waits for the connection to {}", config.target.Url()));
    }
    return Fail(Error(ErrorCode::kIo, background.last_error));
}

void Connectivity::Abort() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (awaited_) {
        awaited_->Set(Failf("the engine is stopping"));
    }
}

void Connectivity::ForgetOld() {
    if (dials_.size() >= kManyDials) {
        std::erase_if(dials_, [](const auto& entry) { return entry.second.dial->WaitMs(0).has_value(); });
    }
}

}  // namespace haumea::engine
