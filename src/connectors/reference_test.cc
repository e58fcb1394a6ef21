#include "connectors/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "connectors/builtin.h"

namespace haumea::connectors {
namespace {

// HAUMEA_UPDATE=1 writes it anew.
TEST(Reference, IsWrittenFromTheTablesOfTheConnectors) {
    connect::Registry registry;
    RegisterBuiltinConnectors(registry);
    const std::string path = std::string(HAUMEA_SOURCE_DIR) + "/docs/reference/connectors.md";
    const std::string wanted = WriteReference(registry);
    if (std::getenv("HAUMEA_UPDATE") != nullptr) {
        std::ofstream(path) << wanted;
    }
    std::ostringstream found;
    found << std::ifstream(path).rdbuf();
    EXPECT_EQ(found.str(), wanted) << "run connectors_test with HAUMEA_UPDATE=1";
}

}  // namespace
}  // namespace haumea::connectors
