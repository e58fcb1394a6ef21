#include "data/value.h"

#include <gtest/gtest.h>

#include <set>

namespace haumea {
namespace {

TEST(DeepHash, TellsValuesOfOneShapeApart) {
    std::set<size_t> hashes;
    for (int i = 0; i < 1000; ++i) {
        const Value inner = Value::Int(i);
        const Field field{"a", Value::Array({&inner, 1})};
        hashes.insert(DeepHash(Value::Object({&field, 1})));
    }
    EXPECT_GT(hashes.size(), 990U);
}

TEST(DeepHash, IsAlikeForEqualValues) {
    const Value whole[] = {Value::Int(3), Value::Null(), Value::String("x")};
    const Value decimal[] = {Value::Double(3), Value::Missing(), Value::String("x")};
    ASSERT_TRUE(DeepEquals(Value::Array(whole), Value::Array(decimal)));
    EXPECT_EQ(DeepHash(Value::Array(whole)), DeepHash(Value::Array(decimal)));
}

// 2^60 parts, made of sixty lists.
TEST(DeepHash, EndsForValuesThatShareTheirParts) {
    Value lists[61][2];
    lists[0][0] = lists[0][1] = Value::Int(1);
    for (int i = 1; i <= 60; ++i) {
        lists[i][0] = lists[i][1] = Value::Array(lists[i - 1]);
    }
    EXPECT_EQ(DeepHash(lists[60][0]), DeepHash(lists[60][1]));
}

}  // namespace
}  // namespace haumea
