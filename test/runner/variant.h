#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "config/node.h"
#include "exec/rule_pipeline.h"

namespace haumea::runner {

// How cases are run; the results must be the same in every variant. Read from test/configs/<name>.json.
struct Variant {
    std::string name;  // empty: the plain one
    // After so many events in a row everything that was posted runs and whoever waits goes on. Always done
    // before time moves and before results are compared.
    int64_t settle_after_events = 1;
    // The action answers every n-th emission with a request to wait; 0 = never.
    int64_t pause_every = 0;
    // Sources of JSON streams without columns deliver rows instead of bytes, where the payload is sound.
    bool deliver_rows = false;
};
Result<Variant> ParseVariant(std::string name, std::string_view json);

// The options of a rule as written in a .test file, in the names of the REST API.
Result<exec::RuleOptions> ParseRuleOptions(std::string_view json);

}  // namespace haumea::runner
