#pragma once

#include <cstdint>
#include <string>

namespace haumea::io::testing {

// A certificate with its key as PEM texts, made at run time for tests.
struct TestIdentity {
    std::string certificate;
    std::string key;
};

// What a test certificate says.
struct TestCertificate {
    std::string name = "localhost";
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";  // empty: none
    int64_t valid_from_s = -3600;                                  // from now
    int64_t valid_until_s = 3600;
    bool is_ca = false;
    const TestIdentity* issuer = nullptr;  // null: signs itself
};

TestIdentity MakeTestIdentity(const TestCertificate& wish);

}  // namespace haumea::io::testing
