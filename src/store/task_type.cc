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

}  // namespace

bool is_known_batch_type(std::string_view task_type) {
    return std::find(std::begin(kBatchTypes), std::end(kBatchTypes), task_type) !=
           std::end(kBatchTypes);
}

}  // namespace dsfailover
