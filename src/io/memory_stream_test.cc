#include <gtest/gtest.h>

#include "io/testing/memory_stream.h"
#include "io/virtual_scheduler.h"

namespace haumea::io::testing {
namespace {

TEST(MemoryStream, CarriesBytesAndWakesTheReader) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    bool readable = false;
    b->WaitReadable([&] { readable = true; });
    a->WriteAll("hello");
    EXPECT_FALSE(readable);  // from the loop, never from inside the call
    scheduler.RunPosted();
    EXPECT_TRUE(readable);
    EXPECT_EQ(b->ReadAll(), "hello");
}

TEST(MemoryStream, TakesWhatFitsAndWakesTheWriter) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    a->wire().pipes[0].capacity = 4;
    a->wire().pipes[0].max_per_write = 3;
    const iovec part{const_cast<char*>("abcdef"), 6};
    EXPECT_EQ(a->Write({&part, 1}).bytes, 3U);
    EXPECT_EQ(a->Write({&part, 1}).bytes, 1U);
    EXPECT_EQ(a->Write({&part, 1}).status, IoResult::Status::kWouldBlock);
    bool writable = false;
    a->WaitWritable([&] { writable = true; });
    scheduler.RunPosted();
    EXPECT_FALSE(writable);
    EXPECT_EQ(b->ReadAll(), "abca");
    scheduler.RunPosted();
    EXPECT_TRUE(writable);
}

TEST(MemoryStream, EndsLikeASocket) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    a->WriteAll("last");
    a.reset();
    EXPECT_EQ(b->ReadAll(), "last");
    char byte = 0;
    EXPECT_EQ(b->Read({&byte, 1}).status, IoResult::Status::kEnd);
    const iovec part{&byte, 1};
    EXPECT_EQ(b->Write({&part, 1}).error, EPIPE);
}

TEST(MemoryStream, CancelStopsACallbackThatIsOnItsWay) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    b->WaitReadable([] { ADD_FAILURE(); });
    a->WriteAll("x");
    b->CancelWaits();
    scheduler.RunPosted();
}

TEST(FailingStream, FailsFromTheNthOperationOn) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    Fault fault{.at = 2};
    FailingStream failing(std::move(a), fault);
    const iovec part{const_cast<char*>("x"), 1};
    EXPECT_EQ(failing.Write({&part, 1}).status, IoResult::Status::kOk);
    EXPECT_EQ(failing.Write({&part, 1}).error, ECONNRESET);
    EXPECT_EQ(failing.last_error(), "connection reset by peer");
    EXPECT_EQ(failing.Write({&part, 1}).error, ECONNRESET);
    EXPECT_EQ(fault.operations, 3U);
}

TEST(FailingStream, EndsOrStallsOnceWhenTold) {
    VirtualScheduler scheduler;
    auto [a, b] = MakeMemoryPair(scheduler);
    b->WriteAll("abc");
    Fault fault{.kind = Fault::Kind::kStall, .at = 1};
    FailingStream failing(std::move(a), fault);
    char byte = 0;
    EXPECT_EQ(failing.Read({&byte, 1}).status, IoResult::Status::kWouldBlock);
    EXPECT_EQ(failing.Read({&byte, 1}).status, IoResult::Status::kOk);
    fault = {.kind = Fault::Kind::kEnd, .at = 3, .operations = 2};
    EXPECT_EQ(failing.Read({&byte, 1}).status, IoResult::Status::kEnd);
    const iovec part{&byte, 1};
    EXPECT_EQ(failing.Write({&part, 1}).error, EPIPE);
}

}  // namespace
}  // namespace haumea::io::testing
