#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connect/cache_stage.h"
#include "io/virtual_scheduler.h"

namespace haumea::connect {

using Texts = std::vector<std::string>;

// A remote as a client-role transport shows it: takes messages while connected and confirms what it was asked
// about.
class FakeRemote final : public MessageSink {
  public:
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    Delivery Send(const EncodedMessage& message) noexcept override {
        if (!connected || wire.size() >= room) {
            return Delivery::kBlocked;
        }
        if (drops) {
            return Delivery::kDropped;
        }
        wire.emplace_back(message.payload.view());
        return confirms ? Delivery::kQueued : Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    bool UseConfirmation(DeliveryListener& listener) override {
        listener_ = &listener;
        return confirms;
    }
    bool RequestConfirmation(uint64_t mark) override {
        if (connected) {
            asked.push_back(mark);
        }
        return connected;
    }
    void Close() override {}

    void Connect() {
        connected = true;
        ready_();
    }
    void Lose() {
        connected = false;
        asked.clear();
        listener_->OnLost();
    }
    // Answers the latest question.
    void Confirm() {
        if (!asked.empty()) {
            const uint64_t mark = asked.back();
            asked.clear();
            listener_->OnConfirmed(mark);
        }
    }
    void MakeRoom(size_t messages) {
        room = messages;
        ready_();
    }
    Texts Take() { return std::exchange(wire, {}); }

    Texts wire;
    std::vector<uint64_t> asked;
    bool connected = true;
    bool confirms = true;
    bool drops = false;  // as a payload that is no text for messageType text
    size_t room = SIZE_MAX;

  private:
    std::function<void()> ready_;
    DeliveryListener* listener_ = nullptr;
};

// A cache in front of a FakeRemote, with a file of its own, a disk that can be slow, and virtual time.
class CacheStageTest : public testing::Test {
  protected:
    CacheStageTest()
        : folder_(std::filesystem::path(testing::TempDir()) /
                  fmt::format("haumea-cache-{}-{}", getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name())) {
        std::filesystem::remove_all(folder_);
        settings_.backlog.file = (folder_ / "r" / "websocket_0.db").string();
        settings_.backlog.memory_messages = 4;
        settings_.backlog.page_messages = 2;
    }
    ~CacheStageTest() override {
        Stop();
        std::filesystem::remove_all(folder_);
    }

    void Start() {
        stage_ = std::make_unique<CacheStage>(
            remote_, other_ ? other_.get() : nullptr, settings_,
            CacheStage::Nodes{.cache = &cache_stats_, .sink = &sink_stats_, .resend = &resend_stats_},
            scheduler_, [this](std::function<void()> work, std::function<void()> then) {
                disk_.emplace_back(std::move(work), std::move(then));
                if (!disk_is_slow_) {
                    Disk();
                }
                return true;
            });
        stage_->SetResumeCallback([this] { ++resumed_; });
        stage_->Open();
        scheduler_.RunPosted();
    }
    void Stop() {
        if (stage_) {
            stage_->Close();
            scheduler_.RunPosted();
            stage_.reset();
        }
    }
    // As kill -9: nothing of this process has any further effect on the file.
    void Kill() {
        stage_.reset();
        scheduler_.RunPosted();
    }
    void Disk() {
        for (auto& [work, then] : std::exchange(disk_, {})) {
            work();
            scheduler_.Post(then);
        }
    }
    Flow Push(const std::string& text) {
        EncodedMessage message;
        message.payload = BufferView::Copy(text);
        return stage_->Push(std::move(message));
    }
    void PushAll(int from, int to) {
        for (int i = from; i <= to; ++i) {
            Push(std::to_string(i));
            scheduler_.RunPosted();
        }
    }
    void Advance(int64_t ms) { scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms); }
    static Texts Numbers(int from, int to) {
        Texts texts;
        for (int i = from; i <= to; ++i) {
            texts.push_back(std::to_string(i));
        }
        return texts;
    }
    // Everything that comes while the remote confirms what it gets.
    Texts TakeAll() {
        while (cache_stats_.buffer_length > 0) {
            const size_t before = remote_.wire.size();
            Advance(100);
            remote_.Confirm();
            if (remote_.wire.size() == before && remote_.asked.empty() && cache_stats_.buffer_length > 0) {
                Advance(1'000);
                if (remote_.wire.size() == before) {
                    break;  // nothing moves
                }
            }
        }
        return remote_.Take();
    }
    bool FileExists() const { return std::filesystem::exists(settings_.backlog.file); }

    std::filesystem::path folder_;
    CacheSettings settings_;
    io::VirtualScheduler scheduler_;
    FakeRemote remote_;
    std::unique_ptr<FakeRemote> other_;
    metrics::NodeStats cache_stats_{metrics::NodeStats::Kind::kOperator, "websocket_0_0_cache"};
    metrics::NodeStats sink_stats_{metrics::NodeStats::Kind::kSink, "websocket_0"};
    metrics::NodeStats resend_stats_{metrics::NodeStats::Kind::kSink, "websocket_0_resend"};
    std::unique_ptr<CacheStage> stage_;
    std::vector<std::pair<std::function<void()>, std::function<void()>>> disk_;
    bool disk_is_slow_ = false;
    int resumed_ = 0;
};

}  // namespace haumea::connect
