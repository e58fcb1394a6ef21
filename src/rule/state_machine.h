#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace haumea::rule {

enum class State { kStopped, kStarting, kRunning, kStopping, kWaiting, kStoppedByError };
// "running" ...: as status shows it.
std::string_view ToText(State state);

// What is asked of a rule; the schedule asks differently from a person.
enum class Signal { kStart, kStop, kScheduleStart, kScheduleStop };

// The states of one rule, and what signals mean in each. Signals that come while a transition is under way
// wait in a queue; the same signal twice in a row waits once. Part of Rule; control thread only.
class StateMachine {
  public:
    // What to begin now: kStarting or kStopping; the machine is in that state then. Nothing when the signal
    // is ignored or queued.
    std::optional<State> Accept(Signal signal);
    // The transition has ended. `message` says why, times are milliseconds since 1970.
    void Enter(State state, std::string message, int64_t now_ms);
    // Begins a transition outside of the signals.
    void Begin(State transition) { state_ = transition; }
    // Between transitions: the next signal that waited and begins something now, with what it begins.
    std::optional<std::pair<Signal, State>> AcceptQueued();

    State state() const { return state_; }
    const std::string& message() const { return message_; }
    int64_t last_start_ms() const { return last_start_ms_; }  // 0: never
    int64_t last_stop_ms() const { return last_stop_ms_; }

  private:
    enum class Reaction { kIgnore, kQueue, kStart, kStop };
    Reaction React(Signal signal) const;
    std::optional<State> Follow(Reaction reaction, Signal signal);
    void Queue(Signal signal);

    State state_ = State::kStopped;
    std::string message_;
    int64_t last_start_ms_ = 0;
    int64_t last_stop_ms_ = 0;
    std::deque<Signal> queue_;
};

}  // namespace haumea::rule
