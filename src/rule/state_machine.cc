#include "rule/state_machine.h"

#include <utility>

namespace haumea::rule {

std::string_view ToText(State state) {
    switch (state) {
        case State::kStopped:
            return "stopped";
        case State::kStarting:
            return "starting";
        case State::kRunning:
            return "running";
        case State::kStopping:
            return "stopping";
        case State::kWaiting:
            return "stopped: waiting for next schedule.";
        case State::kStoppedByError:
            return "stopped by error";
    }
    return "";
}

StateMachine::Reaction StateMachine::React(Signal signal) const {
    const bool start = signal == Signal::kStart || signal == Signal::kScheduleStart;
    switch (state_) {
        case State::kStopped:
        case State::kStoppedByError:
            return start ? Reaction::kStart : Reaction::kIgnore;
        case State::kStarting:
            return start ? Reaction::kIgnore : Reaction::kQueue;
        case State::kRunning:
            return start ? Reaction::kIgnore : Reaction::kStop;
        case State::kStopping:
            return Reaction::kQueue;
        case State::kWaiting:
            break;
    }
    switch (signal) {  // waiting for the schedule
        case Signal::kStop:
            return Reaction::kStop;
        case Signal::kScheduleStart:
            return Reaction::kStart;
        case Signal::kStart:
        case Signal::kScheduleStop:
            break;
    }
    return Reaction::kIgnore;
}

void StateMachine::Queue(Signal signal) {
    if (queue_.empty() || queue_.back() != signal) {
        queue_.push_back(signal);
    }
}

std::optional<State> StateMachine::Accept(Signal signal) {
    if (!queue_.empty()) {
        Queue(signal);
        return std::nullopt;
    }
    return Follow(React(signal), signal);
}

std::optional<State> StateMachine::Follow(Reaction reaction, Signal signal) {
    switch (reaction) {
        case Reaction::kIgnore:
            break;
        case Reaction::kQueue:
            Queue(signal);
            break;
        case Reaction::kStart:
            state_ = State::kStarting;
            return state_;
        case Reaction::kStop:
            state_ = State::kStopping;
            return state_;
    }
    return std::nullopt;
}

void StateMachine::Enter(State state, std::string message, int64_t now_ms) {
    state_ = state;
    message_ = std::move(message);
    (state == State::kRunning ? last_start_ms_ : last_stop_ms_) = now_ms;
}

std::optional<std::pair<Signal, State>> StateMachine::AcceptQueued() {
    while (!queue_.empty() && state_ != State::kStarting && state_ != State::kStopping) {
        const Signal signal = queue_.front();
        queue_.pop_front();
        if (const std::optional<State> transition = Follow(React(signal), signal)) {
            return std::pair(signal, *transition);
        }
    }
    return std::nullopt;
}

}  // namespace haumea::rule
