#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "expr/function.h"
#include "sql/parser.h"

// What the parser refuses: every function with every wrong number of arguments and every literal of a wrong
// kind. Columns and calls pass, because their kind is known only with the data.
namespace haumea::expr {
namespace {

std::string ErrorOf(const std::string& call) {
    const auto parsed = sql::ParseSelect("SELECT " + call + " AS r FROM demo", &FunctionRegistry::Builtin());
    return parsed ? "" : parsed.error().message;
}

std::vector<std::string> Words(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
}

std::string Call(const std::string& function, const std::vector<std::string>& arguments) {
    std::string text = function + "(";
    for (size_t i = 0; i < arguments.size(); ++i) {
        text += (i == 0 ? "" : ", ") + arguments[i];
    }
    return text + ")";
}

struct Kind {
    const char* functions;
    size_t arguments;
    const char* wanted;  // of every argument, as the error names it; null: anything
    std::vector<std::string> wrong;
};

const std::vector<Kind>& Kinds() {
    static const std::vector<Kind> kKinds = {
        {"abs acos asin atan cos cosh sin sinh tan tanh exp cot radians degrees ceil ceiling floor ln sign "
         "sqrt "
         "sum avg max min median stddev stddevs var vars",
         1,
         "number - float or int",
         {"\"a\"", "true", "ss", "a > 1"}},
        {"atan2 mod power pow percentile_cont percentile_disc",
         2,
         "number - float or int",
         {"\"a\"", "true", "ss", "a > 1"}},
        {"bitand bitor bitxor", 2, "int", {"1.5", "\"a\"", "true", "ss", "a > 1"}},
        {"numbytes lower upper ltrim rtrim trim reverse hex2dec dec2hex md5 sha1 sha256 sha384 sha512 crc32 "
         "parse_json props",
         1,
         "string",
         {"1", "1.5", "true", "ss", "a > 1"}},
        {"endswith startswith indexof regexp_matches regexp_substr compress decompress",
         2,
         "string",
         {"1", "1.5", "true", "ss", "a > 1"}},
        {"length to_json isnull cardinality to_seconds count collect merge_agg array_max array_min "
         "array_cardinality array_flatten array_distinct array_sort array_shuffle kvpair_array_to_obj keys "
         "values "
         "items zip object_size obj_to_kvpair_array chr",
         1,
         nullptr,
         {}},
        {"array_position array_last_position array_contains array_contains_any array_remove element_at "
         "array_intersect array_union array_except array_map repeat object erase",
         2,
         nullptr,
         {}},
        {"day_name month_name day_of_month day day_of_year day_of_week hour minute second month microsecond "
         "last_day",
         1,
         "datetime",
         {"1", "1.5", "\"a\"", "true"}},
        {"date_diff", 2, "datetime", {"1", "1.5", "\"a\"", "true"}},
        {"pi rand newuuid tstamp rule_id rule_start event_time window_start window_end window_trigger "
         "last_hit_count last_hit_time last_agg_hit_count last_agg_hit_time cur_date current_date",
         0,
         nullptr,
         {}},
    };
    return kKinds;
}

TEST(ArgumentChecks, AWrongNumberOfArgumentsIsCounted) {
    for (const Kind& kind : Kinds()) {
        for (const std::string& function : Words(kind.functions)) {
            for (size_t given = 0; given < 4; ++given) {
                const std::string error = ErrorOf(Call(function, std::vector<std::string>(given, "a")));
                if (given == kind.arguments) {
                    EXPECT_EQ(error, "") << function;
                } else if (function != "erase") {
                    EXPECT_EQ(error, "validate function " + function + " error: Expect " +
                                         std::to_string(kind.arguments) + " arguments but found " +
                                         std::to_string(given) + ".")
                        << given;
                }
            }
        }
    }
}

TEST(ArgumentChecks, ALiteralOfAWrongKindIsNamedByItsPlace) {
    for (const Kind& kind : Kinds()) {
        for (const std::string& function : Words(kind.functions)) {
            for (size_t place = 0; place < kind.arguments; ++place) {
                for (const std::string& wrong : kind.wrong) {
                    std::vector<std::string> arguments(kind.arguments, "a");
                    arguments[place] = wrong;
                    EXPECT_EQ(ErrorOf(Call(function, arguments)),
                              "validate function " + function + " error: Expect " + kind.wanted +
                                  " type for parameter " + std::to_string(place + 1))
                        << wrong;
                }
            }
        }
    }
}

TEST(ArgumentChecks, OfFunctionsWithRulesOfTheirOwn) {
    const std::map<std::string, std::string> cases = {
        {"log()", "Expect 1 or 2 arguments only"},
        {"log(1, 2, 3)", "Expect 1 or 2 arguments only"},
        {"round(1, 2, 3)", "Expect 1 or 2 arguments only"},
        {"round(a, \"b\")", "Expect number - float or int type for parameter 2"},
        {"conv(a, 1)", "Expect 3 arguments but found 2."},
        {"conv(a, 1.5, 2)", "Expect integer type for parameter 2"},
        {"conv(a, 16, \"z\")", "Expect integer type for parameter 3"},
        {"substring(a)", "the arguments for substring should be 2 or 3"},
        {"substring(a, -1)", "The start index should not be a nagtive integer."},
        {"substring(a, \"x\")", "Expect int type for parameter 2"},
        {"split_value(a, \",\")", "Expect 3 arguments but found 2."},
        {"split_value(a, 1, 1)", "Expect string type for parameter 2"},
        {"split_value(a, \",\", \"x\")", "Expect int type for parameter 3"},
        {"format(a)", "At least has 2 argument but found 1."},
        {"format(a, 1.5)", "Expect integer type for parameter 2"},
        {"format(a, 1, 2)", "Expect string type for parameter 3"},
        {"lpad(a)", "Expect 2 arguments but found 1."},
        {"rpad(a, 1.5)", "Expect int type for parameter 2"},
        {"concat()", "The arguments should be at least one."},
        {"concat(a, 1)", "Expect string type for parameter 2"},
        {"coalesce()", "The arguments should be at least one."},
        {"regexp_replace(a, b)", "Expect 3 arguments but found 2."},
        {"regexp_replace(a, 1, c)", "Expect string type for parameter 2"},
        {"format_time(1, \"x\")", "Expect datetime type for parameter 1"},
        {"format_time(a, 1)", "Expect string type for parameter 2"},
        {"date_calc(a, 1)", "Expect string type for parameter 2"},
        {"now(\"x\")", "Expect int type for parameter 1"},
        {"current_timestamp(1, 2)", "At most has 1 arguments but found 2."},
        {"from_days(\"x\")", "Expect number - float or int type for parameter 1"},
        {"from_unix_time(a, b)", "Expect 1 arguments but found 2."},
        {"cast(a)", "Expect 2 arguments but found 1."},
        {"cast(a, \"int\")",
         "Expect one of following value for the 2nd parameter: bigint, float, string, boolean, datetime, "
         "bytea."},
        {"convert_tz(a, 1)", "Expect string type for parameter 2"},
        {"encode(a, \"x\")", "Only base64 is supported for the 2nd parameter."},
        {"decode(a, \"hex\")", "Only base64 is supported for the 2nd parameter."},
        {"trunc(a)", "Expect 2 arguments but found 1."},
        {"trunc(\"x\", 1)", "Expect number - float or int type for parameter 1"},
        {"json_path_query(a)", "Expect 2 arguments but found 1."},
        {"json_path_exists(a, 1)", "Expect string type for parameter 2"},
        {"meta(1)", "Expect meta reference type for parameter 1"},
        {"meta(a, b)", "Expect 1 arguments but found 2."},
        {"mqtt(a)", "Parameter of mqtt function can be only topic or messageid."},
        {"array_join(a)", "Expect two or three arguments but found 1."},
        {"sequence(1, 2, 3, 4)", "Expect two or three arguments but found 4."},
        {"object_construct(a, b, c)", "the args must be key value pairs"},
        {"object_concat(a)", "At least has 2 argument but found 1."},
        {"object_pick(a)", "At least has 2 argument but found 1."},
        {"last_value(a, 1)", "Expect bool type for parameter 2"},
        {"deduplicate(a)", "Expect 2 arguments but found 1."},
        {"deduplicate(a, \"x\")", "Expect bool type for parameter 2"},
    };
    for (const auto& [call, error] : cases) {
        EXPECT_EQ(ErrorOf(call), "validate function " + call.substr(0, call.find('(')) + " error: " + error);
    }
    EXPECT_EQ(ErrorOf("nosuch(a)"), "function nosuch not found");
    EXPECT_EQ(ErrorOf("percentile(a, 0.5)"), "function percentile not found");
    for (const char* good : {"ABS(a)", "now(3)", "cast(a, b)", "json_path_query(a, b)", "encode(a, b)",
                             "meta(*)", "meta(a.b->c)", "count(*)", "collect(*)", "last_value(*, true)",
                             "round(a)", "log(2, a)", "array_create()", "mqtt(topic)"}) {
        EXPECT_EQ(ErrorOf(good), "") << good;
    }
}

}  // namespace
}  // namespace haumea::expr
