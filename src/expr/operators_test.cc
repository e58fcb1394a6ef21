#include "expr/operators.h"

#include <gtest/gtest.h>

#include <limits>

#include "expr/access.h"

namespace haumea::expr {
namespace {

using sql::BinaryOp;

class OperatorsTest : public testing::Test {
  protected:
    Value Apply(const Value& lhs, BinaryOp op, const Value& rhs) { return ApplyBinary(op, lhs, rhs, arena_); }
    std::string ErrorOf(const Value& lhs, BinaryOp op, const Value& rhs) {
        const Value result = Apply(lhs, op, rhs);
        return result.is_error() ? std::string(result.text()) : "no error";
    }
    Arena arena_;
};

TEST_F(OperatorsTest, IntegersWrapAndDivideTowardsZero) {
    constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    EXPECT_EQ(Apply(Value::Int(kMax), BinaryOp::kAdd, Value::Int(1)).as_int(), kMin);
    EXPECT_EQ(Apply(Value::Int(-7), BinaryOp::kDiv, Value::Int(2)).as_int(), -3);
    EXPECT_EQ(Apply(Value::Int(-7), BinaryOp::kMod, Value::Int(3)).as_int(), -1);
    EXPECT_EQ(Apply(Value::Int(kMin), BinaryOp::kDiv, Value::Int(-1)).as_int(), kMin);
    EXPECT_EQ(Apply(Value::Int(kMin), BinaryOp::kMod, Value::Int(-1)).as_int(), 0);
}

TEST_F(OperatorsTest, AFloatOnEitherSideMakesTheResultAFloat) {
    EXPECT_EQ(Apply(Value::Int(5), BinaryOp::kDiv, Value::Double(2)).as_double(), 2.5);
    EXPECT_EQ(Apply(Value::Double(7.5), BinaryOp::kMod, Value::Int(2)).as_double(), 1.5);
}

TEST_F(OperatorsTest, DivisionByZeroIsAnErrorForBothKinds) {
    EXPECT_EQ(ErrorOf(Value::Int(1), BinaryOp::kDiv, Value::Int(0)), "divided by zero");
    EXPECT_EQ(ErrorOf(Value::Double(1), BinaryOp::kMod, Value::Double(0)), "divided by zero");
}

TEST_F(OperatorsTest, NullMakesArithmeticNullAndComparisonsFalse) {
    EXPECT_TRUE(Apply(Value::Null(), BinaryOp::kAdd, Value::Int(1)).is_null());
    for (const BinaryOp op : {BinaryOp::kEq, BinaryOp::kNe, BinaryOp::kLt, BinaryOp::kBitAnd}) {
        EXPECT_EQ(Apply(Value::Int(1), op, Value::Missing()).type(), Type::kBool);
        EXPECT_FALSE(Apply(Value::Int(1), op, Value::Missing()).as_bool());
    }
}

TEST_F(OperatorsTest, LogicTakesNullForFalseExceptBehindTrue) {
    EXPECT_TRUE(Apply(Value::Bool(true), BinaryOp::kOr, Value::Null()).as_bool());
    EXPECT_FALSE(Apply(Value::Null(), BinaryOp::kOr, Value::Bool(true)).as_bool());
    EXPECT_FALSE(Apply(Value::Bool(true), BinaryOp::kAnd, Value::Null()).as_bool());
}

TEST_F(OperatorsTest, KindsDoNotMix) {
    EXPECT_EQ(ErrorOf(Value::Double(5), BinaryOp::kAdd, Value::String("2")),
              "invalid operation float64(5) + string(2)");
    EXPECT_EQ(ErrorOf(Value::Bool(true), BinaryOp::kLt, Value::Bool(false)),
              "invalid operation bool(true) < bool(false)");
    EXPECT_EQ(ErrorOf(Value::Int(7), BinaryOp::kBitOr, Value::Double(2.5)),
              "invalid operation float64(7) | float64(2.5)");
    EXPECT_EQ(ErrorOf(Value::Array({}), BinaryOp::kEq, Value::Null()),
              "= is an invalid operation for []interface {}");
}

class AccessTest : public testing::Test {
  protected:
    const Value items_[3] = {Value::Int(10), Value::Int(20), Value::Int(30)};
    const Value array_ = Value::Array(items_);
    Arena arena_;
};

TEST_F(AccessTest, NegativeIndexesCountFromTheEnd) {
    EXPECT_EQ(ElementAt(array_, -1, arena_).as_int(), 30);
    EXPECT_EQ(ElementAt(array_, 5, arena_).text(), "out of index: 5 of 3");
    EXPECT_EQ(ElementAt(array_, -4, arena_).text(), "out of index: -4 of 3");
}

TEST_F(AccessTest, SlicesAreHalfOpen) {
    EXPECT_EQ(Slice(array_, 0, 2, arena_).size(), 2U);
    EXPECT_EQ(Slice(array_, -2, kOpenEnd, arena_).items()[0].as_int(), 20);
    EXPECT_EQ(Slice(array_, 0, -1, arena_).size(), 2U);
    EXPECT_EQ(Slice(array_, 3, kOpenEnd, arena_).text(), "start value is out of index: 3 of 3");
    EXPECT_EQ(Slice(array_, 0, 4, arena_).text(), "end value is out of index: 4 of 3");
    EXPECT_EQ(Slice(array_, 2, -2, arena_).text(), "start cannot be greater than end. start:2  end:1");
}

TEST_F(AccessTest, NullHasNoElementsAndNoMembers) {
    EXPECT_TRUE(ElementAt(Value::Missing(), 0, arena_).is_null());
    EXPECT_TRUE(MemberOf(Value::Null(), "a", arena_).is_null());
    EXPECT_EQ(MemberOf(array_, "a", arena_).text(),
              "the result [10 20 30] is not a type of map[string]interface{}");
}

}  // namespace
}  // namespace haumea::expr
