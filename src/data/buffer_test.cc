#include "data/buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea {
namespace {

BufferView Take(size_t reserved, std::string_view text) {
    BufferBuilder builder;
    builder.Reserve(reserved);
    builder.Append(text);
    return builder.Take();
}

// A backlog of 65,536 short messages would hold 128 MiB otherwise, and be counted as a few.
TEST(BufferBuilder, WhatIsTakenDoesNotKeepTheRoomOfTheWorstCase) {
    const std::string text(200, 'x');
    const BufferView taken = Take(1800, text);
    EXPECT_EQ(taken.view(), text);
    EXPECT_LT(taken.owner->capacity(), 512U);
    for (size_t i = 0; i < Buffer::kPadding; ++i) {
        EXPECT_EQ(taken.ptr[taken.len + i], 0) << "readable behind the text";
    }
}

TEST(BufferBuilder, ABlockThatFitsIsHandedOutWithoutACopy) {
    BufferBuilder builder;
    const char* written = builder.Reserve(1800);
    builder.Append(std::string(900, 'x'));
    EXPECT_EQ(builder.Take().ptr, written);
}

TEST(BufferBuilder, EveryMessageIsItsOwn) {
    BufferBuilder builder;
    builder.Reserve(4000);
    builder.Append("first");
    const BufferView first = builder.Take();
    builder.Append("second");
    const BufferView second = builder.Take();
    EXPECT_EQ(first.view(), "first");
    EXPECT_EQ(second.view(), "second");
    EXPECT_EQ(builder.size(), 0U);
    EXPECT_EQ(builder.Take().view(), "");
}

}  // namespace
}  // namespace haumea
