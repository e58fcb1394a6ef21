#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "io/virtual_scheduler.h"
#include "ws/hub.h"

namespace haumea::ws {

// A client whose socket takes `room` bytes more.
class FakeClient final : public Subscriber {
  public:
    explicit FakeClient(Hub& hub) : hub_(&hub) {}

    io::IoResult Write(std::span<const iovec> parts) noexcept override {
        if (failing) {
            return {io::IoResult::Status::kFailed, 0, ECONNRESET};
        }
        if (room == 0) {
            return {io::IoResult::Status::kWouldBlock};
        }
        size_t taken = 0;
        for (const iovec& part : parts) {
            const size_t n = std::min({part.iov_len, room, per_write - taken});
            got.append(static_cast<const char*>(part.iov_base), n);
            room -= n;
            taken += n;
        }
        ++writes;
        pieces += parts.size();
        return {io::IoResult::Status::kOk, taken};
    }
    void WaitWritable() override { waiting = true; }
    void OnWriteFailed(const io::IoResult&) noexcept override { failed = true; }
    void OnSlow() noexcept override { ++slow_events; }
    void OnTooSlow(std::string_view) noexcept override {
        ++too_slow_events;
        hub_->Finish(*this, "<1013>", Hub::Waiting::kDrop);
    }
    void OnDrained() noexcept override { drained = true; }

    void Open(size_t bytes) {
        room = bytes;
        if (std::exchange(waiting, false)) {
            hub_->OnWritable(*this);
        }
    }
    // Payloads of one character, framing removed.
    std::string Letters() const {
        std::string letters;
        for (size_t i = 0; i + 2 < got.size(); i += 3) {
            letters += got[i + 2];
        }
        return letters;
    }

    size_t room = SIZE_MAX;
    size_t per_write = SIZE_MAX;
    std::string got;
    size_t writes = 0;
    size_t pieces = 0;
    int slow_events = 0;
    int too_slow_events = 0;
    bool waiting = false;
    bool failing = false;
    bool failed = false;
    bool drained = false;

  private:
    Hub* hub_;
};

class HubTest : public ::testing::Test {
  protected:
    HubTest() {
        context_.scheduler = &scheduler_;
        context_.at_turn_end = [this](io::Scheduler::Task task) { scheduler_.Post(std::move(task)); };
    }
    Hub& Make(BacklogLimits limits, SlowConsumer policy) {
        hub_ = std::make_unique<Hub>(
            context_, Hub::Settings{.limits = limits, .policy = policy, .block_timeout_ms = 1000},
            [this] { ++ready_calls_; });
        return *hub_;
    }
    Hub& Make() { return Make({}, SlowConsumer::kDropOldest); }
    std::unique_ptr<FakeClient> Client(std::string_view first = {}) {
        auto client = std::make_unique<FakeClient>(*hub_);
        hub_->Add(*client, {}, first);
        return client;
    }
    static Ref<const PreparedFrame> Frame(std::string_view text) {
        return PreparedFrame::Make(Opcode::kText, BufferView::Copy(text));
    }
    Publication Publish(std::string_view letters) {
        Publication last = Publication::kNoClient;
        for (const char letter : letters) {
            last = hub_->Publish(Frame({&letter, 1}));
        }
        return last;
    }
    void Turn() { scheduler_.RunPosted(); }

    io::VirtualScheduler scheduler_{1000};
    ServerContext context_;
    std::unique_ptr<Hub> hub_;
    int ready_calls_ = 0;
};

}  // namespace haumea::ws
