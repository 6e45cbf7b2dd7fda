"""Intents about the account and the people behind it: login trouble, talk to a human."""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

from demo.intents.intent import Intent, Side

LOGIN = Intent(
    name="login",
    needs_order=False,
    sorry=True,
    en=Side(
        opens=(
            "I [cannot|can not|am unable to] [log in|sign in][ to my account|].",
            "I forgot my password.",
            "My account is [locked|blocked].",
            "The login page [shows an error|does not load].",
            "[The password reset|The reset e-mail] never [arrives|came].",
            "It says my password is wrong, but it is right.",
            "How [do|can] I reset my password?",
        ),
        warm=(
            "I have unlocked your account and sent a reset link to your e-mail address, it works for <days>.",
            "Please open the reset link I just sent you, choose a new password, and I will [stay here|wait] until you are in.",
            "I checked your account, all your data is safe, and the new login link is already in your inbox.",
        ),
        plain=(
            "Please [use|click] the link Forgot password on the login page.",
            "We sent a reset link, it is valid for <days>.",
            "Your account [was|is] unlocked, please sign in again.",
        ),
        curt=(
            "Reset your password, the link is on the page.",
            "You typed it wrong, try again.",
        ),
        pushy=(
            "Get our app [now|today], it logs you in for ever and brings you daily deals!",
            "While you reset the password, add Premium to your account at half price!",
        ),
        robotic=(
            "Login [failure|error] recorded. Required action: password reset.",
            "Account status: [locked|restricted]. Reset message: sent.",
        ),
    ),
    zh=Side(
        opens=(
            "我[登录不了|登不上][账户|账号|]。",
            "我忘记密码了。",
            "我的[账户|账号]被锁了。",
            "登录页面[报错|打不开]。",
            "一直收不到重置密码的邮件。",
            "密码明明是对的，却说我密码错误。",
            "怎么重置密码？",
        ),
        warm=(
            "我已为您解锁账户，重置链接也发到您的邮箱了，<days>内有效。",
            "请打开我刚发给您的重置链接，设一个新密码，我会[一直等您|陪您]到登录成功。",
            "我查过您的账户，数据都很安全，新的登录链接已经在您的邮箱里了。",
        ),
        plain=(
            "请[使用|点击]登录页面的忘记密码链接。",
            "我们已发送重置链接，<days>内有效。",
            "您的账户已解锁，请重新登录。",
        ),
        curt=(
            "重置密码，链接在页面上。",
            "您输错了，再试一遍。",
        ),
        pushy=(
            "[现在|今天]就下载我们的应用，永远不用登录，天天有特价！",
            "重置密码的同时，给账户开通会员，半价哦！",
        ),
        robotic=(
            "登录[失败|错误]已记录。所需操作：重置密码。",
            "账户状态：[已锁定|受限]。重置邮件：已发送。",
        ),
    ),
)

HUMAN = Intent(
    name="human",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "[I want to|Can I|I would like to|Let me] [talk|speak] to a [human|real person|person].",
            "Is there a real person [here|I can talk to]?",
            "Please [connect me|put me through] to [a colleague|an employee|your manager].",
            "Can somebody call me[ please|]?",
            "I do not want to chat with a machine.",
            "What is your phone number?",
        ),
        warm=(
            "I am asking a colleague to take over now, you will [hear|get a call] from us within ten minutes.",
            "My colleague from the service team will call you on <day>, and I have passed on [everything you wrote|all the details].",
        ),
        plain=(
            "A colleague will [take over|call you] within ten minutes.",
            "You can reach our team by phone from nine to five.",
        ),
        curt=(
            "All lines are busy, wait your turn.",
            "Nobody is free right now, write instead.",
        ),
        pushy=(
            "Personal service is part of our Gold plan, book it [now|today] and skip the line!",
            "Before I connect you, let me show you our [new|best] offer of the day!",
        ),
        robotic=(
            "Transfer request [registered|queued]. Position in queue: seven.",
            "Human contact: available from nine to five. Ticket: [created|open].",
        ),
    ),
    zh=Side(
        opens=(
            "[我要|我想|请]转人工[客服|]。",
            "[有真人吗|有人吗]？",
            "请帮我[找|转]一位[同事|主管|经理]。",
            "能不能[有人|找人]给我打电话？",
            "我不想跟机器人聊天。",
            "你们的电话是多少？",
        ),
        warm=(
            "我马上请同事来接手，十分钟内就会有人[联系您|给您打电话]。",
            "服务组的同事<day>会给您打电话，[您写的内容|所有情况]我都转告了。",
        ),
        plain=(
            "同事会在十分钟内[接手|联系您]。",
            "我们的电话九点到五点可以接通。",
        ),
        curt=(
            "线路都忙，排队等着。",
            "现在没人有空，写下来吧。",
        ),
        pushy=(
            "人工服务属于金卡会员，[现在|今天]就订，不用排队！",
            "转接之前，先看看我们今天[最新|最好]的特价！",
        ),
        robotic=(
            "转接请求已[登记|排队]。队列位置：七。",
            "人工服务时间：九点到五点。工单：[已创建|已打开]。",
        ),
    ),
)
