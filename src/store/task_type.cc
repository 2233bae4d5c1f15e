#include "store/task_type.h"

#include <algorithm>
#include <iterator>

namespace dsfailover {

namespace {

constexpr std::string_view kBatchTypes[] = {
    "ALIYUN_SERVERLESS_SPARK",
    "CHUNJUN",
    "DATASYNC",
    "DATAX",
    "DATA_FACTORY",
    "DINKY",
    "DMS",
    "DVC",
    "EMR",
    "FLINK",
    "GRPC",
    "HIVECLI",
    "HTTP",
    "JAVA",
    "JUPYTER",
    "K8S",
    "KUBEFLOW",
    "LINKIS",
    "MLFLOW",
    "MR",
    "OPENMLDB",
    "PROCEDURE",
    "PYTHON",
    "PYTORCH",
    "REMOTESHELL",
    "SAGEMAKER",
    "SEATUNNEL",
    "SHELL",
    "SPARK",
    "SQL",
    "SQOOP",
    "ZEPPELIN",
};

constexpr std::string_view kLogicTypes[] = {"CONDITIONS",  "DEPENDENT",    "DYNAMIC",
                                            "SUB_PROCESS", "SUB_WORKFLOW", "SWITCH"};

}  // namespace

bool is_known_batch_type(std::string_view task_type) {
    return std::find(std::begin(kBatchTypes), std::end(kBatchTypes), task_type) !=
           std::end(kBatchTypes);
}

bool is_logic_type(std::string_view task_type) {
    return std::find(std::begin(kLogicTypes), std::end(kLogicTypes), task_type) !=
           std::end(kLogicTypes);
}

}  // namespace dsfailover
