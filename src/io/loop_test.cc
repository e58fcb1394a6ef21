#include "io/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "io/blocking_pool.h"
#include "io/fd_waiter.h"

namespace haumea::io {
namespace {

TEST(Loop, RunsPostedTasksInOrder) {
    Loop loop;
    std::vector<int> order;
    loop.Post([&] { order.push_back(1); });
    loop.Post([&] {
        order.push_back(2);
        loop.Post([&] {
            order.push_back(4);
            loop.Stop();
        });
    });
    loop.Post([&] { order.push_back(3); });
    loop.Run();
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST(Loop, LosesNoPostFromOtherThreads) {
    constexpr int kThreads = 4;
    constexpr int kPosts = 20'000;
    Loop loop;
    int ran = 0;  // the loop's thread alone writes it
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kPosts; ++i) {
                loop.Post([&] {
                    if (++ran == kThreads * kPosts) {
                        loop.Stop();
                    }
                });
            }
        });
    }
    loop.Run();
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(ran, kThreads * kPosts);
}

TEST(Loop, RunsTimersByDueTimeAndEqualOnesInOrderOfStart) {
    Loop loop;
    std::vector<int> order;
    loop.RunAfter(20, [&] {
        order.push_back(4);
        loop.Stop();
    });
    loop.RunAfter(5, [&] { order.push_back(3); });
    loop.RunAfter(0, [&] { order.push_back(1); });
    loop.RunAfter(-7, [&] { order.push_back(2); });
    loop.Run();
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST(Loop, RunsNoTimerThatWasCancelled) {
    Loop loop;
    bool ran = false;
    const Scheduler::TimerId id = loop.RunAfter(1, [&] { ran = true; });
    loop.Cancel(id);
    loop.Cancel(id);  // a second time changes nothing
    loop.RunAfter(5, [&] { loop.Stop(); });
    loop.Run();
    EXPECT_FALSE(ran);
}

TEST(Loop, RunsTimersNotBeforeTheirTime) {
    Loop loop;
    const int64_t begin = SystemClock::Instance().MonotonicNs();
    loop.RunAfter(15, [&] { loop.Stop(); });
    loop.Run();
    EXPECT_GE(SystemClock::Instance().MonotonicNs() - begin, 15'000'000);
}

TEST(Loop, RunSyncWaitsForTheTask) {
    Loop loop;
    std::thread thread([&] { loop.Run(); });
    int value = 0;
    EXPECT_TRUE(loop.RunSync([&] {
        EXPECT_TRUE(loop.IsCurrent());
        value = 7;
    }));
    EXPECT_EQ(value, 7);
    EXPECT_FALSE(loop.IsCurrent());
    loop.Stop();
    thread.join();
}

TEST(Loop, RunSyncComesBackWhenTheLoopHasEnded) {
    Loop loop;
    std::thread thread([&] { loop.Run(); });
    loop.Stop();
    thread.join();
    bool ran = false;
    EXPECT_FALSE(loop.RunSync([&] { ran = true; }));
    EXPECT_FALSE(ran);
}

TEST(Loop, StopBeforeRunIsKept) {
    Loop loop;
    loop.Stop();
    loop.Run();  // returns
    bool ran = false;
    loop.Post([&] {
        ran = true;
        loop.Stop();
    });
    loop.Run();  // and works again
    EXPECT_TRUE(ran);
}

TEST(Loop, WorksAfterAMomentWithNothingToWaitFor) {
    Loop loop;
    for (int i = 0; i < 3; ++i) {
        loop.Post([&] { loop.Stop(); });
        loop.Run();
    }
    std::thread thread([&] { loop.Post([&] { loop.Stop(); }); });
    loop.RunAfter(60'000, [] { ADD_FAILURE() << "the post did not wake the loop"; });
    loop.Run();
    thread.join();
}

TEST(Loop, SocketsThatAreAlwaysReadyDoNotStarveTimersAndPosts) {
    Loop loop;
    FdWaiter always_ready(loop, eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    int handled = 0;
    std::function<void()> handle = [&] {
        // A handler that takes its time, as one that decodes a full read does.
        const int64_t end = SystemClock::Instance().MonotonicNs() + 5'000'000;
        while (SystemClock::Instance().MonotonicNs() < end) {
        }
        ++handled;
        always_ready.WaitReadable(handle);
    };
    always_ready.WaitReadable(handle);
    loop.RunAfter(1, [&] { loop.Post([&] { loop.Stop(); }); });
    loop.Run();
    EXPECT_LE(handled, 6);
}

TEST(Loop, TurnEndComesAfterEverythingOfTheTurn) {
    Loop loop;
    std::vector<int> order;
    loop.Post([&] {
        loop.OnTurnEnd([&] {
            order.push_back(3);
            loop.OnTurnEnd([&] { loop.Stop(); });
        });
        order.push_back(1);
    });
    loop.Post([&] { order.push_back(2); });
    loop.Run();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Loop, DropsWhatDidNotRunWithTheLoop) {
    const auto token = std::make_shared<int>(0);
    {
        Loop loop;
        loop.Post([token] {});
        loop.RunAfter(1000, [token] {});
        loop.OnTurnEnd([token] {});
        EXPECT_EQ(token.use_count(), 4);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST(BlockingPool, PostsTheContinuationToTheHomeLoop) {
    Loop loop;
    std::thread::id worker;
    std::thread::id home;
    BlockingPool pool(1);
    ASSERT_TRUE(pool.Run(
        loop, [&] { worker = std::this_thread::get_id(); },
        [&] {
            home = std::this_thread::get_id();
            loop.Stop();
        }));
    loop.Run();
    EXPECT_EQ(home, std::this_thread::get_id());
    EXPECT_NE(worker, home);
}

TEST(BlockingPool, RefusesWhatExceedsItsQueueAndFinishesTheRest) {
    Loop loop;
    std::atomic<int> done{0};
    std::mutex gate;
    gate.lock();
    {
        BlockingPool pool(1, 2);
        std::promise<void> taken;
        ASSERT_TRUE(pool.Run(
            loop,
            [&] {
                taken.set_value();
                const std::lock_guard lock(gate);
                ++done;
            },
            [] {}));
        taken.get_future().wait();  // its only thread is busy: what follows stays in the queue
        EXPECT_TRUE(pool.Run(loop, [&] { ++done; }, [] {}));
        EXPECT_TRUE(pool.Run(loop, [&] { ++done; }, [] {}));
        EXPECT_FALSE(pool.Run(loop, [&] { ++done; }, [] {}));
        EXPECT_EQ(pool.waiting(), 2U);
        gate.unlock();
    }
    EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace haumea::io
