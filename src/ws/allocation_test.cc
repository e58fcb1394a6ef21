#include "base/allocation_count.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/virtual_scheduler.h"
#include "ws/hub.h"

namespace haumea::ws {
namespace {

// A client whose socket takes everything.
class Taker final : public Subscriber {
  public:
    size_t taken = 0;

  private:
    io::IoResult Write(std::span<const iovec> parts) noexcept override {
        size_t bytes = 0;
        for (const iovec& part : parts) {
            bytes += part.iov_len;
        }
        taken += bytes;
        return {io::IoResult::Status::kOk, bytes};
    }
    void WaitWritable() override {}
    void OnWriteFailed(const io::IoResult&) noexcept override {}
    void OnSlow() noexcept override {}
    void OnTooSlow(std::string_view) noexcept override {}
    void OnDrained() noexcept override {}
};

class HubAllocationTest : public ::testing::Test {
  protected:
    HubAllocationTest() {
        context_.scheduler = &scheduler_;
        context_.at_turn_end = [this](io::Scheduler::Task task) { due_.push_back(std::move(task)); };
        due_.reserve(16);
    }
    // As the loop does.
    void EndTurn() {
        for (size_t i = 0; i < due_.size(); ++i) {
            const io::Scheduler::Task task = std::move(due_[i]);
            task();
        }
        due_.clear();
    }

    io::VirtualScheduler scheduler_{1000};
    ServerContext context_;
    std::vector<io::Scheduler::Task> due_;
};

TEST_F(HubAllocationTest, PublishingAndFlushingAllocateNothing) {
#ifdef HAUMEA_COUNTS_ALLOCATIONS
    Hub hub(context_, {}, [] {});
    std::vector<Taker> takers(
        3);  // from 4 on, small messages are joined in blocks that are allocated now and then
    for (Taker& taker : takers) {
        hub.Add(taker, {}, "");
    }
    const Ref<const PreparedFrame> frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy("a message"));
    const auto burst = [&] {
        for (int i = 0; i < 3; ++i) {
            hub.Publish(frame);
        }
        EndTurn();
    };
    for (int i = 0; i < 10; ++i) {
        burst();
    }
    const size_t before = allocation_count.load();
    for (int i = 0; i < 100; ++i) {
        burst();
    }
    EXPECT_EQ(allocation_count.load() - before, 0U);
    EXPECT_EQ(takers[2].taken, 330 * 11U);
    for (Taker& taker : takers) {
        hub.Remove(taker);
    }
#else
    GTEST_SKIP() << "sanitizers bring an operator new of their own";
#endif
}

TEST_F(HubAllocationTest, AFlushThatComesAfterTheEndOfItsHubDoesNothing) {
    auto hub = std::make_unique<Hub>(context_, Hub::Settings{}, [] {});
    Taker taker;
    hub->Add(taker, {}, "");
    hub->Publish(PreparedFrame::Make(Opcode::kText, BufferView::Copy("a message")));
    hub->Remove(taker);
    hub.reset();
    EndTurn();
    scheduler_.RunPosted();
    EXPECT_EQ(taker.taken, 0U);
}

}  // namespace
}  // namespace haumea::ws
