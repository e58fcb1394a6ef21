#include "codec/cipher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

namespace haumea::codec {
namespace {

constexpr std::string_view kPlain = "[{\"a\":1,\"b\":2}]";

CipherOptions Options(std::string mode, std::string iv, std::string aad = {}) {
    CipherOptions options;
    options.key = "0123456789abcdef0123456789abcdef";
    options.mode = std::move(mode);
    options.iv = std::move(iv);
    options.aad = std::move(aad);
    return options;
}

std::string Encrypt(Cipher& cipher, std::string_view plain) {
    BufferBuilder out;
    std::string error;
    EXPECT_TRUE(cipher.Encrypt(plain, out, error)) << error;
    return std::string(out.view());
}

std::string Decrypt(Cipher& cipher, std::string_view message) {
    BufferBuilder out;
    std::string error;
    return cipher.Decrypt(message, out, error) ? std::string(out.view()) : "!" + error;
}

std::string Hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return text;
}

TEST(Cipher, WritesTheFormsThatReceiversExpect) {
    EXPECT_EQ(Hex(Encrypt(**Cipher::Make(Options("gcm", "0123456789ab")), kPlain)),
              "303132333435363738396162c2d2c55b61f0a937d76701878179218a8299ba9624598c5fb97776156b1bc4");
    EXPECT_EQ(Hex(Encrypt(**Cipher::Make(Options("gcm", "0123456789ab", "helloworld")), kPlain)),
              "55fb5993f9299d2b321418fd97612337c2d2c55b61f0a937d7670187817921");
    EXPECT_EQ(Hex(Encrypt(**Cipher::Make(Options("cfb", "0123456789abcdef")), kPlain)),
              "30313233343536373839616263646566a347b801fe36eab403fd5bece7a64b");
}

TEST(Cipher, ReadsWhatItWrote) {
    for (const CipherOptions& options :
         {Options("gcm", ""), Options("gcm", "0123456789ab", "aad"), Options("cfb", "")}) {
        auto cipher = std::move(*Cipher::Make(options));
        for (const std::string_view plain : {std::string_view(""), std::string_view("{}"), kPlain}) {
            EXPECT_EQ(Decrypt(*cipher, Encrypt(*cipher, plain)), plain) << options.mode;
        }
    }
}

TEST(Cipher, WithoutIvEveryMessageHasItsOwn) {
    auto cipher = std::move(*Cipher::Make(Options("gcm", "")));
    EXPECT_NE(Encrypt(*cipher, kPlain), Encrypt(*cipher, kPlain));
}

TEST(Cipher, ManyMessagesHaveAsManyIvs) {
    for (const char* mode : {"gcm", "cfb"}) {
        auto cipher = std::move(*Cipher::Make(Options(mode, "")));
        const size_t iv = mode == std::string_view("gcm") ? 12 : 16;
        std::set<std::string> seen;
        for (int i = 0; i < 1000; ++i) {
            seen.insert(Encrypt(*cipher, "x").substr(0, iv));
        }
        EXPECT_EQ(seen.size(), 1000U) << mode;
    }
}

TEST(Cipher, RandomMessagesOfAnySizeComeBackWhateverKeyAndMode) {
    std::mt19937 random(1128);
    const auto bytes = [&random](size_t size) {
        std::string text(size, '\0');
        for (char& c : text) {
            c = static_cast<char>(random());
        }
        return text;
    };
    for (int round = 0; round < 200; ++round) {
        const bool gcm = random() % 2 == 0;
        CipherOptions options = Options(gcm ? "gcm" : "cfb", random() % 2 == 0 ? "" : bytes(gcm ? 12 : 16));
        options.key = bytes(std::array{16, 24, 32}[random() % 3]);
        if (gcm && !options.iv.empty() && random() % 2 == 0) {
            options.aad = bytes(1 + random() % 40);
            options.tag_size = static_cast<int64_t>(random() % 40);
        }
        auto cipher = std::move(*Cipher::Make(options));
        auto receiver = std::move(*Cipher::Make(options));
        for (int message = 0; message < 10; ++message) {
            const std::string plain = bytes(random() % 300);
            ASSERT_EQ(Decrypt(*receiver, Encrypt(*cipher, plain)), plain) << "round " << round;
        }
    }
}

TEST(Cipher, GcmFindsEveryChange) {
    auto cipher = std::move(*Cipher::Make(Options("gcm", "")));
    std::string message = Encrypt(*cipher, kPlain);
    message[15] = static_cast<char>(message[15] ^ 1);
    EXPECT_TRUE(Decrypt(*cipher, message).starts_with("!cannot decrypt"));
    EXPECT_TRUE(Decrypt(*cipher, "short").starts_with("!cannot decrypt"));
}

TEST(Cipher, BadSettingsAreNamed) {
    EXPECT_NE(Cipher::Make(Options("ecb", "")).error().message.find("unsupported AES encryption mode: ecb"),
              std::string::npos);
    EXPECT_NE(Cipher::Make(Options("gcm", "abc")).error().message.find("invalid IV length 3"),
              std::string::npos);
    EXPECT_NE(Cipher::Make(Options("gcm", "", "aad")).error().message.find("aad without iv"),
              std::string::npos);
    CipherOptions options = Options("gcm", "");
    options.key = "short";
    EXPECT_NE(Cipher::Make(options).error().message.find("invalid key size 5"), std::string::npos);
    options.key.clear();
    EXPECT_NE(Cipher::Make(options).error().message.find("AES Key is not defined"), std::string::npos);
}

}  // namespace
}  // namespace haumea::codec
