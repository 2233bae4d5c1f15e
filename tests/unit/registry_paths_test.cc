#include <gtest/gtest.h>

#include "registry/paths.h"

namespace dsfailover {
namespace {

TEST(RegistryPaths, AreThoseOfTheReference) {
    EXPECT_EQ(server_path(paths::kMasters, "a:1"), "/nodes/master/a:1");
    EXPECT_EQ(server_path(paths::kWorkers, "a:1"), "/nodes/worker/a:1");
    EXPECT_EQ(failover_lock_path("a:1"), "/lock/master-failover/a:1");
    EXPECT_EQ(mark_path("a:1", std::nullopt), "/nodes/failover-finish-nodes/a:1-unknown-unknown");
    EXPECT_EQ(mark_path("a:1", ProcessIdentity{1795331879415, 7074}),
              "/nodes/failover-finish-nodes/a:1-1795331879415-7074");
    EXPECT_EQ(mark_path_of_name("whatever"), "/nodes/failover-finish-nodes/whatever");
}

TEST(RegistryPaths, OfOursAreBelowAFolderOfOurs) {
    EXPECT_EQ(stamps_path("a:1"), "/dsfailover/stamps/a:1");
    EXPECT_EQ(run_claim_path("a:1"), "/dsfailover/runs/a:1");
    EXPECT_EQ(run_claim_path("no address"), "/dsfailover/runs/none");
    EXPECT_EQ(run_claim_path(std::nullopt), "/dsfailover/runs/none");
}

TEST(RegistryPaths, OfLocksTellTheirAddress) {
    EXPECT_EQ(address_of_failover_lock(failover_lock_path("a-b:1")), "a-b:1");
    EXPECT_EQ(address_of_failover_lock("/lock/master-failover"), "");
    EXPECT_EQ(address_of_failover_lock("/lock/other/a:1"), "");
}

TEST(MarkName, IsReadFromTheRightBecauseHostsHaveDashes) {
    const auto name = parse_mark_name("ds-master-0.ds-headless:5678-1795331879415-7074");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->address, "ds-master-0.ds-headless:5678");
    EXPECT_EQ(name->process->startup_time, 1795331879415);
    EXPECT_EQ(name->process->process_id, 7074);
}

TEST(MarkName, OfAGlobalFailoverNamesNoProcess) {
    const auto name = parse_mark_name("0:0:0:0:0:0:0:1:5678-unknown-unknown");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->address, "0:0:0:0:0:0:0:1:5678");
    EXPECT_FALSE(name->process);
}

TEST(MarkName, RoundTripsThroughItsPath) {
    for (const auto& process :
         {std::optional<ProcessIdentity>(), std::optional(ProcessIdentity{1795331879415, 1})}) {
        const std::string path = mark_path("a-b:1", process);
        const auto name = parse_mark_name(std::string_view(path).substr(paths::kMarks.size() + 1));
        ASSERT_TRUE(name) << path;
        EXPECT_EQ(name->address, "a-b:1");
        EXPECT_EQ(name->process.has_value(), process.has_value());
    }
}

TEST(MarkName, RefusesWhatIsNone) {
    for (const char* name :
         {"", "-", "--", "a:1", "a:1-2", "a-1-2", "a:1-x-2", "a:1-1-unknown", "a:1-unknown-1",
          "../x:1-1-1", "a:1--1-1", "a:1-1-", ":1-1-1", "a:99999-1-1"}) {
        EXPECT_FALSE(parse_mark_name(name)) << name;
    }
}

}  // namespace
}  // namespace dsfailover
