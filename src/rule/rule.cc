#include "rule/rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace haumea::rule {

Rule::Rule(RuleDef def, const Environment& environment, EndListener on_end)
    : def_(std::move(def)),
      environment_(&environment),
      on_end_(std::move(on_end)),
      home_(environment.assign_home(def_.id)),
      self_(std::make_shared<Rule*>(this)) {}

Rule::~Rule() { Halt(); }

bool Rule::OnHome(const std::function<void()>& task) const {
    if (home_.run_sync) {
        return home_.run_sync(task);
    }
    task();
    return true;
}

std::vector<metrics::Numbers> Rule::ReadNumbers() const {
    std::vector<metrics::Numbers> numbers(run_ == nullptr ? 0 : run_->nodes.size());
    if (pipeline_ != nullptr) {
        OnHome([&] {
            for (size_t i = 0; i < numbers.size(); ++i) {
                run_->nodes[i]->ReadNumbers(numbers[i]);
            }
        });
    }
    return numbers;
}

Result<Rule::Pipeline> Rule::Plan(const RuleDef& def) const {
    return environment_->plan(def.spec(), *home_.scheduler);
}

Result<void> Rule::Replace(RuleDef def, Pipeline pipeline) {
    def_ = std::move(def);
    if (pipeline_ != nullptr || machine_.state() == State::kWaiting) {
        Halt();
        machine_.Enter(State::kStopped, "stopped by update", now_ms());
    }
    if (pipeline == nullptr) {
        return {};
    }
    if (ScheduleIsClosed()) {
        machine_.Enter(State::kWaiting, "", now_ms());
        return {};
    }
    return Launch(std::move(pipeline));
}

bool Rule::ScheduleIsClosed() const {
    const Schedule& schedule = def_.options.schedule;
    return schedule.by_clock() && !schedule.IsOpen(now_ms());
}

Result<void> Rule::Start() {
    restarts_ = 0;
    HAUMEA_TRY(Pipeline pipeline, Plan(def_));
    if (ScheduleIsClosed()) {
        if (machine_.state() != State::kWaiting) {
            Halt();
            machine_.Enter(State::kWaiting, "", now_ms());
        }
        return {};
    }
    Halt();
    return Launch(std::move(pipeline));
}

void Rule::RestartAfterFailure() {
    const int64_t attempts = def_.options.restart_attempts;
    if (machine_.state() == State::kRunning) {
        restarts_ = 0;
    }
    // One that waits for a connection is looked after every second.
    if (machine_.state() != State::kStoppedByError || waits_for_connection_ || restarts_ > attempts) {
        return;
    }
    const std::string reason = machine_.message();
    if (++restarts_ > attempts) {
        log::Error("rule {}: not started again after {} attempts (restartStrategy)", def_.id, attempts);
        machine_.Enter(State::kStoppedByError,
                       fmt::format("{} (given up after {} attempts of restartStrategy)", reason, attempts),
                       machine_.last_stop_ms());
        return;
    }
    log::Info("rule {}: started again after: {}", def_.id, reason);
    Handle(Signal::kStart);
}

Result<void> Rule::Launch(Pipeline pipeline) {
    machine_.Begin(State::kStarting);
    waits_for_connection_ = false;
    run_ = std::make_unique<Run>(Run{pipeline->nodes(), pipeline->topo(), pipeline->columns(),
                                     pipeline->streams(), pipeline->warnings()});
    pipeline_ = std::move(pipeline);
    const uint64_t number = ++run_number_;
    io::Scheduler* control = environment_->control;
    auto ended = [weak = std::weak_ptr<Rule*>(self_), control, number](bool failed, std::string message) {
        control->Post([weak, number, failed, message = std::move(message)]() mutable {
            if (const auto self = weak.lock()) {
                (*self)->OnEnd(number, failed, std::move(message));
            }
        });
    };
    Result<void> started;
    if (!OnHome([&] { started = pipeline_->Start(ended); })) {
        started = Failf("the data loop has ended, the engine is stopping");
    }
    if (!started) {
        Halt();
        machine_.Enter(State::kStoppedByError, started.error().message, now_ms());
        waits_for_connection_ = started.error().code == ErrorCode::kIo;
        log::Error("rule {}: not started: {}", def_.id, started.error().message);
    } else {
        machine_.Enter(State::kRunning, "", now_ms());
        log::Info("rule {}: running", def_.id);
    }
    HandleQueued();
    return started;
}

void Rule::Halt() {
    if (pipeline_ == nullptr) {
        return;
    }
    ++run_number_;
    const bool on_loop = OnHome([this] {
        pipeline_->Stop();
        pipeline_.reset();
    });
    if (!on_loop) {
        pipeline_.reset();  // the loop has ended: nobody else touches it any more
    }
}

void Rule::OnEnd(uint64_t run_number, bool failed, std::string message) {
    if (run_number != run_number_ || pipeline_ == nullptr) {
        return;
    }
    machine_.Begin(State::kStopping);
    Halt();
    if (failed) {
        log::Error("rule {}: stopped by error: {}", def_.id, message);
        machine_.Enter(State::kStoppedByError, std::move(message), now_ms());
    } else {
        log::Info("rule {}: every source has ended", def_.id);
        const bool plain = message.empty() || message == "done";
        machine_.Enter(State::kStopped, plain ? "done" : fmt::format("done: {}", message), now_ms());
    }
    if (on_end_) {
        on_end_(*this, failed);
    }
    HandleQueued();
}

void Rule::Begin(State transition, Signal signal) {
    if (transition == State::kStopping) {
        Halt();
        if (signal == Signal::kScheduleStop) {
            machine_.Enter(State::kWaiting, "schedule terminated", now_ms());
        } else {
            machine_.Enter(State::kStopped, "canceled manually", now_ms());
        }
        log::Info("rule {}: {}", def_.id, ToText(machine_.state()));
        return;
    }
    Result<Pipeline> pipeline = Plan(def_);
    if (!pipeline) {
        // A rule that waits for a connection fails every second, for the same reason.
        if (machine_.message() != pipeline.error().message) {
            log::Error("rule {}: not started: {}", def_.id, pipeline.error().message);
        }
        machine_.Enter(State::kStoppedByError, pipeline.error().message, now_ms());
        waits_for_connection_ = pipeline.error().code == ErrorCode::kIo;
        return;
    }
    // A failure is in the state; whoever sent the signal does not wait for an answer.
    static_cast<void>(Launch(std::move(*pipeline)));
}

void Rule::Handle(Signal signal) {
    if (const std::optional<State> transition = machine_.Accept(signal)) {
        Begin(*transition, signal);
    }
    HandleQueued();
}

void Rule::HandleQueued() {
    while (const auto next = machine_.AcceptQueued()) {
        Begin(next->second, next->first);
    }
}

void Rule::EndRun(std::string message) {
    if (running()) {
        Halt();
        machine_.Enter(State::kStopped, std::move(message), now_ms());
    }
}

void Rule::FollowSchedule() {
    const Schedule& schedule = def_.options.schedule;
    if (schedule.by_clock()) {
        if (!schedule.IsOpen(now_ms())) {
            if (running()) {
                Handle(Signal::kScheduleStop);
            } else if (machine_.state() == State::kStopped && machine_.last_start_ms() == 0) {
                machine_.Enter(State::kWaiting, "", now_ms());
            } else if (machine_.state() == State::kStoppedByError) {
                machine_.Enter(State::kWaiting, machine_.message(), now_ms());  // the next window tries again
            }
        } else if (machine_.state() == State::kWaiting) {
            Handle(Signal::kScheduleStart);
        }
    } else if (schedule.run_limit_ms() && running() &&
               now_ms() - machine_.last_start_ms() >= *schedule.run_limit_ms()) {
        EndRun("duration terminated");
    }
}

bool Rule::reads(const std::string& stream) const {
    return pipeline_ != nullptr && run_ != nullptr &&
           std::find(run_->streams.begin(), run_->streams.end(), stream) != run_->streams.end();
}

std::vector<std::string> Rule::warnings() const {
    std::vector<std::string> all = def_.warnings;
    if (run_ != nullptr) {
        all.insert(all.end(), run_->warnings.begin(), run_->warnings.end());
    }
    return all;
}

}  // namespace haumea::rule
